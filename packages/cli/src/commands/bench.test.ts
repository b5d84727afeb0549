import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type {
  BenchRecord,
  BranchTiming,
  MemoryProbe,
  SamplingTiming,
  Throughput,
  TrainingTiming,
} from '@harmonica/evaluation';
import { temporaryFolder } from '@harmonica/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeTinyModel } from '../../../emoji-dit/test/tiny-model.js';
import { runCommand } from '../../test/run-command.js';

describe('harmonica bench', () => {
  let folder: string;
  let model: string;
  const bench = (argv: readonly string[], out = join(folder, 'out')) =>
    runCommand([
      'bench',
      '--model',
      model,
      '--batch',
      '2',
      '--repeats',
      '1',
      '--out',
      out,
      ...argv,
    ]);
  const recordsIn = async (out: string): Promise<BenchRecord[]> =>
    (await readFile(join(out, 'bench.jsonl'), 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));

  beforeAll(async () => {
    folder = await temporaryFolder();
    model = await writeTinyModel(join(folder, 'model'));
  });

  it('measures branches, sampling and training', async () => {
    const { status, stdout } = await bench(['--steps', '6']);
    expect(status).toBe(0);
    const records = await recordsIn(join(folder, 'out'));
    expect(records.map(({ name }) => name)).toEqual(['branches', 'sampling', 'training']);
    for (const { machine, command, versions } of records) {
      expect(machine.cores).toBeGreaterThan(0);
      expect(command).toMatch(/^harmonica bench --model .* --steps 6$/);
      expect(Object.keys(versions)).toEqual(['harmonica', 'node', 'tfjs', 'onnxruntime']);
    }
    const [branches, sampling, training] = records.map(({ results }) => results) as [
      BranchTiming[],
      SamplingTiming[],
      TrainingTiming,
    ];
    expect(branches.map(({ kind, what }) => `${kind} ${what}`)).toEqual([
      'attention forward',
      'attention vjp',
      'mlp forward',
      'mlp vjp',
    ]);
    for (const { wasmMs, onnxMs, ratio } of branches) {
      expect(ratio).toBeCloseTo(wasmMs / onnxMs, 6); // one round: the median is that round
    }
    const [interval] = sampling;
    expect(interval?.name).toBe('interval-2-quadratic');
    expect(interval?.cacheUtilization).toBeCloseTo(1 / 3, 6);
    expect(interval?.efficiency).toBeCloseTo(
      (interval?.measuredSpeedUp ?? 0) / (interval?.theoreticalSpeedUp ?? 1),
      6,
    );
    expect(training.iterationInForwards).toBeGreaterThan(0);
    for (const title of ['Branches', 'Sampling', 'Training']) {
      expect(stdout).toMatch(new RegExp(`### ${title}.*\\n\\n\\| .* \\|\\n\\| --- \\| ---: \\|`));
    }
  });

  it('measures throughput, uncached and at three shares of predicted calls', async () => {
    const out = join(folder, 'throughput');
    const { status, stdout } = await bench(['--throughput', '--guidance', '1'], out);
    expect(status).toBe(0);
    expect(stdout).toMatch(/### Throughput: emoji-dit, 2 at a time, guidance included/);
    const [record] = await recordsIn(out);
    expect(record?.settings).toMatchObject({ random: false, steps: 8, batch: 2 });
    const results = record?.results as Throughput[];
    expect(results.map(({ cacheUtilization }) => cacheUtilization)).toEqual([0, 0.25, 0.375, 0.5]);
    expect(results[0]).toMatchObject({ speedUp: 1, theoreticalSpeedUp: 1 });
  });

  it('says how many steps a training iteration needs', async () => {
    const { status, stderr } = await bench(['--training', '--steps', '3', '--backend', 'cpu']);
    expect(status).toBe(1);
    expect(stderr).toMatch(/--steps is 3; expected more than 3/);
  });

  it.each(['sampling', 'training'])('reads the memory of %s in a process', async (mode) => {
    const { status, stdout } = await bench([
      '--steps',
      '4',
      '--memory-probe',
      mode,
      '--backend',
      'wasm',
    ]);
    expect(status).toBe(0);
    const probe: MemoryProbe = JSON.parse(stdout);
    expect(probe.mode).toBe(mode);
    expect(probe.tokenBytes).toBe(6 * 4 * 16 * 48 * 4);
    expect(probe.peakBytes).toBeGreaterThan(50e6);
  });

  it.each(['l2c', 'sdt', 'harmonica'])('reads the memory of training by %s', async (method) => {
    const probe = ['--memory-probe', method, '--backend', 'wasm'];
    const { status, stdout } = await bench(['--training-methods', '--steps', '4', ...probe]);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ mode: method, peakBytes: expect.any(Number) });
  });

  it('compares training methods on plans that all of them can train', async () => {
    const { status, stderr } = await bench(['--training-methods', '--steps', '5']);
    expect(status).toBe(1);
    expect(stderr).toMatch(/plan\.steps is 5; expected an even number/);
  });
});
