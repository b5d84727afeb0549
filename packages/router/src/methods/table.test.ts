import '@tensorflow/tfjs-backend-cpu';
import { createEagerExecutor, InvalidArgumentError } from '@harmonica/core';
import { createTinyBackbone } from '@harmonica/core/conformance';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { eulerPlan, sampleTiny } from '../__fixtures__/observed-run.js';
import {
  type CachingMethod,
  cacheMethodOf,
  createSchedule,
  isWholeSetting,
  parsePolicySpec,
  policyFrom,
  policyHelp,
  policyNames,
  policyOrigin,
  predicting,
  registerCachingMethod,
} from '../index.js';

const STEPS = 7;
const plan = eulerPlan(STEPS);
const modelSha256 = 'a'.repeat(64);
const removals: (() => void)[] = [];

/** Registers a method until the end of a test. */
function register<const Name extends string, Shape extends z.ZodRawShape>(
  method: CachingMethod<Name, Shape>,
): void {
  removals.push(registerCachingMethod(method));
}

afterEach(() => {
  for (const remove of removals.splice(0)) remove();
});

/** Every n-th step, and the MLPs of all steps; a made-up method. */
function registerMine(): void {
  register({
    name: 'mine',
    summary: 'every n-th step',
    settings: () => ({
      interval: z.int().min(2),
      keepMlp: z.enum(['yes', 'no']).exactOptional(),
      ...predicting(),
    }),
    firstSetting: 'interval',
    make: ({ interval, keepMlp = 'no', predictor }, { spec, plan: { steps } }) =>
      createSchedule({
        decisions: steps.map((_, step) =>
          spec.branches.map(
            ({ kind }) => step % interval === 0 || (keepMlp === 'yes' && kind === 'mlp'),
          ),
        ),
        predictor,
      }),
  });
}

describe('a method that a program registers', () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });

  /** The decisions of a sampled run, a character a branch. */
  async function decisionsOf(text: string): Promise<readonly string[]> {
    const executor = createEagerExecutor(createTinyBackbone());
    const context = { spec: executor.spec, plan, modelSha256 };
    const cache = cacheMethodOf(await policyFrom(text, context));
    const { decisions } = await sampleTiny({ executor, plan, cache });
    await executor.dispose();
    return decisions.map((row) => row.map(Number).join(''));
  }

  it('is run by its text', async () => {
    registerMine();
    const [all, rest, mlps] = ['1111', '0000', '0101'];
    expect(await decisionsOf('mine:3')).toEqual([all, rest, rest, all, rest, rest, all]);
    const kept = await decisionsOf('mine:4,keep-mlp=yes,predictor=linear');
    expect(kept).toEqual([all, mlps, mlps, mlps, all, mlps, mlps]);
    expect(await decisionsOf('{"policy":"mine","interval":6}')).toEqual(
      await decisionsOf('mine:interval=6'),
    );
  });

  it('may decide on the way', async () => {
    register({
      name: 'early',
      summary: 'the first steps alone are computed',
      settings: () => ({ steps: z.int() }),
      firstSetting: 'steps',
      make: ({ steps }) => ({
        name: 'early',
        start: () => ({
          name: 'early',
          decide: (step) => (step < steps ? 'compute' : 'predict'),
        }),
      }),
    });
    const [all, rest] = ['1111', '0000'];
    expect(await decisionsOf('early:2')).toEqual([all, all, rest, rest, rest, rest, rest]);
  });

  it('may read a file, and say what it was made for', async () => {
    register({
      name: 'listed',
      summary: 'the steps that a file lists',
      settings: () => ({ file: z.string() }),
      firstSetting: 'file',
      async make({ file }, { spec, read }) {
        const rows = (await read?.(file)) ?? '';
        return createSchedule({
          decisions: [...rows].map((each) => spec.branches.map(() => each === '1')),
        });
      },
      origin: async ({ file }, read) => ({ steps: (await read(file)).length }),
      title: ({ file }) => file,
    });
    const { spec } = createTinyBackbone();
    const read = async (file: string) => (file === 'steps.txt' ? '1010' : '');
    const origin = await policyOrigin(parsePolicySpec('listed:steps.txt'), read);
    expect(origin).toEqual({ steps: 4 });
    const made = await policyFrom('listed:steps.txt', { spec, plan, modelSha256, read });
    expect(made).toMatchObject({ kind: 'schedule', name: 'steps.txt', method: 'steps.txt' });
    expect(made.kind === 'schedule' && made.schedule.table).toEqual([
      '1111',
      '0000',
      '1111',
      '0000',
    ]);
  });

  it('is known to help, refusals and tuning like any other', async () => {
    const before = policyNames();
    registerMine();
    expect(policyNames()).toEqual([...before, 'mine']);
    expect(policyHelp().at(-1)).toEqual({ usage: 'mine:<interval>', summary: 'every n-th step' });
    expect(isWholeSetting('mine', 'interval')).toBe(true);
    expect(isWholeSetting('mine', 'keep-mlp')).toBe(false);
    expect(() => parsePolicySpec('mine:keep=yes')).toThrow(
      /policy mine is "keep"; expected one of interval, keep-mlp, predictor/,
    );
    expect(() => parsePolicySpec('mine:1.5')).toThrow(/policy mine:1.5.*interval/s);
    expect(() => parsePolicySpec('mine:1')).toThrow(/interval/);
    expect(() => parsePolicySpec('mime:2')).toThrow(/expected one of none, .*, schedule, mine, or/);
    for (const remove of removals.splice(0)) remove();
    expect(() => parsePolicySpec('mine:3')).toThrow(InvalidArgumentError);
    expect(policyNames()).toEqual(before);
  });
});

describe('registerCachingMethod', () => {
  const method = {
    name: 'mine',
    summary: 'nothing',
    settings: () => ({}),
    make: () => 'none',
  } satisfies CachingMethod<string, Record<never, never>>;

  it.each([
    [{ name: 'fora' }, /name of a policy is "fora"; expected a name other than none, fora/],
    [{ name: 'schedule' }, /expected a name other than/],
    [{ name: 'mine-2' }, /expected lower-case letters and hyphens: a name with digits is a file/],
    [{ name: 'Mine' }, /expected lower-case letters/],
    [{ settings: () => ({ policy: z.string() }) }, /a setting of mine is "policy"/],
    [{ settings: () => ({ 'warm-up': z.int() }) }, /a setting of mine is "warm-up"/],
    [{ settings: () => ({ top5: z.int() }) }, /a setting of mine is "top5"/],
  ])('refuses %o', (fields, message) => {
    const before = policyNames();
    expect(() => register({ ...method, ...fields })).toThrow(InvalidArgumentError);
    expect(() => register({ ...method, ...fields })).toThrow(message);
    expect(policyNames()).toEqual(before);
  });
});

it('tells how every method is written', () => {
  const usages = policyHelp().map(({ usage }) => usage);
  expect(usages).toEqual([
    ...['none', 'fora:<interval>', 'interval[:<interval>]'],
    ...['delta-dit:boundary=<boundary>,cached-blocks=<cached-blocks>', 'pab'],
    ...['smoothcache:<file>', 'magcache:<file>', 'taylorseer', 'first-block[:<threshold>]'],
    ...['dbcache', 'teacache:<file>,threshold=<threshold>', 'schedule:<file>'],
  ]);
  expect(usages.map((usage) => /^[a-z-]+/.exec(usage)?.[0])).toEqual(policyNames());
});
