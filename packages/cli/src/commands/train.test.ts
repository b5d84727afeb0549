import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseRouterFile } from '@harmonica/core';
import { decodePng } from '@harmonica/pictures';
import { parseTrainingState } from '@harmonica/sdt';
import { temporaryFolder } from '@harmonica/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeTinyModel } from '../../../emoji-dit/test/tiny-model.js';
import { runCommand } from '../../test/run-command.js';

const stateIn = async (path: string) => parseTrainingState(await readFile(path, 'utf8'), path);

describe('harmonica train', () => {
  let folder: string;
  let model: string;
  const settings = () => [
    ...['train', '--model', model, '--steps', '4', '--iterations', '9', '--batch-size', '1'],
    ...['--target-speedup', '1.2', '--refresh-every', '5', '--guidance', '2', '--backend', 'wasm'],
  ];

  beforeAll(async () => {
    folder = await temporaryFolder();
    model = await writeTinyModel(join(folder, 'model'));
  });

  it('writes router, state and heat map, and reports on the way', async () => {
    const out = join(folder, 'whole', 'router.json');
    const { status, stdout, stderr } = await runCommand([...settings(), '--out', out]);
    expect(status).toBe(0);
    expect((await readdir(join(folder, 'whole'))).sort()).toEqual([
      'router.json',
      'router.png',
      'router.state.json',
    ]);
    const router = parseRouterFile(await readFile(out, 'utf8'), out);
    expect(router).toMatchObject({
      steps: 4,
      branches: 6,
      provenance: {
        sampler: { name: 'ddim', steps: 4 },
        guidance: { scale: 2, channels: 4 },
        training: { iterations: 9, config: { targetSpeedup: 1.2, refreshEvery: 5 } },
      },
    });
    const { theoreticalSpeedUp } = router.provenance.training as { theoreticalSpeedUp: number };
    expect(theoreticalSpeedUp).toBeGreaterThanOrEqual(1.2);
    expect(stdout).toMatch(/router\.json: CUR \d+\.\d %, 1\.\d\dx by MACs, threshold 0\.\d+\n/);
    expect(stderr).toMatch(
      /update 1\/9 {2}CUR .* %.*x {2}loss \S+ = data \S+ \+ penalty \S+ {2}beta \S+ {2}.* left\n/,
    );
    expect(decodePng(await readFile(join(folder, 'whole', 'router.png'))).width).toBeGreaterThan(
      99,
    );
    const { iteration } = await stateIn(join(folder, 'whole', 'router.state.json'));
    expect(iteration).toBe(9);
  });

  it('goes on after a stop to the very router of a run that was never stopped', async () => {
    const out = join(folder, 'stopped', 'router.json');
    const controller = new AbortController();
    const stopped = await runCommand([...settings(), '--out', out], {
      signal: controller.signal,
      columns: 200,
      onStderr: (text) => text.includes('update 3/9') && controller.abort(),
    });
    expect(stopped.status).toBe(130);
    expect(stopped.stderr).toMatch(/go on from it with --resume\n/);
    await expect(readFile(out)).rejects.toThrow(/ENOENT/);
    const state = join(folder, 'stopped', 'router.state.json');
    expect((await stateIn(state)).iteration).toBe(3);

    const argv = ['train', '--backend', 'wasm', '--model', model, '--resume', '--out', out];
    const resumed = await runCommand(argv);
    expect(resumed.status).toBe(0);
    const whole = await readFile(join(folder, 'whole', 'router.json'), 'utf8');
    expect(await readFile(out, 'utf8')).toBe(whole);
  });

  it('redraws the heat map on a terminal', async () => {
    const out = join(folder, 'watched.json');
    const argv = [...settings(), '--iterations', '3', '--out', out];
    const { stderr } = await runCommand(argv, { columns: 120 });
    expect(stderr).toContain('\u001b[48;2;');
    expect(stderr).toMatch(/Attention {3,}MLP/);
  });

  it('never overwrites a state unasked, and resumes only what fits', async () => {
    const out = join(folder, 'kept.json');
    const argv = [...settings(), '--iterations', '3', '--out', out];
    expect((await runCommand(argv)).status).toBe(0);
    const again = await runCommand(argv);
    expect(again.status).toBe(1);
    expect(again.stderr).toMatch(/kept\.state\.json: is the state of an earlier run.*--overwrite/);
    const other = await runCommand([...argv, '--resume', '--seed', '1']);
    expect(other.stderr).toMatch(/The config of the state is .*Resume with what the run was/);
    const longer = await runCommand([...argv, '--resume', '--iterations', '6']);
    expect(longer.status).toBe(0);
    expect((await stateIn(join(folder, 'kept.state.json'))).iteration).toBe(6);
    expect((await runCommand([...argv, '--overwrite'])).status).toBe(0);
    expect((await stateIn(join(folder, 'kept.state.json'))).iteration).toBe(3);
  });

  it('refuses what cannot work before it starts', async () => {
    const missing = await runCommand([...settings(), '--resume', '--out', join(folder, 'no.json')]);
    expect(missing.stderr).toMatch(/no\.state\.json.*without --resume/);
    const fast = [...settings(), '--target-speedup', '9', '--out', join(folder, 'fast.json')];
    expect((await runCommand(fast)).stderr).toMatch(/speedUp is 9; expected at most/);
    const file = join(folder, 'file');
    await writeFile(file, '');
    const below = await runCommand([...settings(), '--out', join(file, 'router.json')]);
    expect(below.stderr).toMatch(/no files can be written there/);
  });
});
