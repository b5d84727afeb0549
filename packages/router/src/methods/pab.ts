import {
  assertArgument,
  assertCount,
  type Branch,
  type BranchKind,
  type CacheSchedule,
} from '@harmonica/core';
import { z } from 'zod';
import { createSchedule, type ScheduleDetails } from '../schedule/schedule.js';
import { blockCount, cachingMethod, predicting, type SettingsOf, wholeNumber } from './method.js';

/** How often one kind of branch is computed, and in which part of the run. */
export interface Broadcast {
  /** Within the window, every how many steps it is computed, an integer of at least 1. */
  readonly range: number;
  /** Model times between which it is predicted, both excluded. Default `[100, 800]`. */
  readonly window?: readonly [low: number, high: number];
}

/** MLPs that are predicted in the steps after one. */
export interface MlpBroadcast {
  /** Model time of the step whose outputs are used, one of the run's. */
  readonly time: number;
  readonly blocks: readonly number[];
  /** In how many steps after it, an integer of at least 1. Default 2. */
  readonly steps?: number;
}

/** Options of {@link pabSchedule}. */
export interface PabScheduleOptions extends ScheduleDetails {
  /** `[T]`: the model time of each step, as in `plan.steps[i].timestep`. */
  readonly times: readonly number[];
  /** `spec.branches` of the backbone. */
  readonly branches: readonly Branch[];
  /** Kinds that are not named are computed in every step. */
  readonly broadcast: { readonly [Kind in BranchKind]?: Broadcast };
  /** Default none. Open-Sora's: times 676, 788 and 864, blocks 0 to 4. */
  readonly mlp?: readonly MlpBroadcast[];
}

const DEFAULT_WINDOW = [100, 800] as const;

/**
 * Pyramid Attention Broadcast (Zhao et al. 2024, arXiv 2408.12588): within a window of model times a kind of branch is
 * computed in every `range`-th step of the run, counted from its first, and its output stands in between; outside the
 * window it is computed in every step. Published settings: Latte spatial 2 and cross-attention 6 in (100, 800), Open-Sora
 * 2 and 6 in (450, 930), CogVideoX spatial 2 in (100, 850).
 *
 * @throws {@link InvalidArgumentError} if a number is outside its range, a window is empty, a time or block of `mlp` is
 * not one of the run's, or there is no step or branch.
 */
export function pabSchedule(options: PabScheduleOptions): CacheSchedule {
  const { times, branches, broadcast, mlp = [], predictor, provenance } = options;
  for (const [kind, each] of Object.entries(broadcast)) {
    assertCount({ argument: `broadcast.${kind}.range`, value: each.range });
    const { window: [low, high] = DEFAULT_WINDOW } = each;
    const argument = { [`broadcast.${kind}.window`]: each.window };
    assertArgument(argument, 'the lower time first', low < high);
  }
  const blocks = blockCount(branches);
  const windows = mlp.map((each) => mlpWindow({ ...each, times, most: blocks - 1 }));
  const decisions = times.map((time, step) =>
    branches.map(({ kind, block }) => {
      const isPredicted =
        broadcasts({ broadcast: broadcast[kind], step, time }) ||
        (kind === 'mlp' && reusesMlp({ windows, step, block }));
      return step === 0 || !isPredicted;
    }),
  );
  return createSchedule({ decisions, predictor, provenance });
}

function broadcasts(options: {
  readonly broadcast: Broadcast | undefined;
  readonly step: number;
  readonly time: number;
}): boolean {
  const { broadcast, step, time } = options;
  if (!broadcast) return false;
  const [low, high] = broadcast.window ?? DEFAULT_WINDOW;
  return low < time && time < high && step % broadcast.range !== 0;
}

interface MlpWindow {
  readonly first: number;
  readonly last: number;
  readonly blocks: readonly number[];
}

function mlpWindow(
  options: MlpBroadcast & { readonly times: readonly number[]; readonly most: number },
): MlpWindow {
  const { time, blocks, steps = 2, times, most } = options;
  assertCount({ argument: 'mlp.steps', value: steps });
  for (const value of blocks) assertCount({ argument: 'mlp.blocks', value, least: 0, most });
  const first = times.indexOf(time);
  assertArgument({ 'mlp.time': time }, `a model time of the run: ${times.join(', ')}`, first >= 0);
  return { first, last: first + steps, blocks };
}

/** A step that is the source of one window computes, though it be inside another. */
function reusesMlp(options: {
  readonly windows: readonly MlpWindow[];
  readonly step: number;
  readonly block: number;
}): boolean {
  const { windows, step, block } = options;
  const own = windows.filter(({ blocks }) => blocks.includes(block));
  if (own.some(({ first }) => first === step)) return false;
  return own.some(({ first, last }) => first < step && step <= last);
}

/** A setting of a policy that is written as text. */
interface TextSetting {
  /** For error messages. */
  readonly argument: string;
  readonly text: string;
}

/**
 * Integers as text: `7`, `0-4`, or several of them with slashes between, `0-4/7`.
 *
 * @throws {@link InvalidArgumentError}
 * @internal
 */
export function integersIn({ argument, text }: TextSetting): readonly number[] {
  return text.split('/').flatMap((part) => {
    const [, first, last = first] = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(part.trim()) ?? [];
    const count = Number(last) - Number(first) + 1;
    const expected = 'integers and ranges with slashes between, such as 0-4/7';
    assertArgument({ [argument]: text }, expected, count >= 1);
    return Array.from({ length: count }, (_, i) => Number(first) + i);
  });
}

/**
 * A window of model times as text: `100-800`, its lower end first.
 *
 * @throws {@link InvalidArgumentError}
 * @internal
 */
export function windowIn({ argument, text }: TextSetting): readonly [low: number, high: number] {
  const number = String.raw`(\d*\.?\d+)`;
  const [, low, high] = new RegExp(`^${number}-${number}$`).exec(text.trim()) ?? [];
  const expected = 'two model times, the lower one first, such as 100-800';
  assertArgument({ [argument]: text }, expected, low !== undefined);
  return [Number(low), Number(high)];
}

/**
 * MLPs that are predicted after some steps, as text: the model time of the step, blocks, and in how many steps after it,
 * `676:0-4:2`; several with slashes between. Without the last number it is that of {@link MlpBroadcast}.
 *
 * @throws {@link InvalidArgumentError}
 * @internal
 */
export function mlpBroadcastsIn({ argument, text }: TextSetting): readonly MlpBroadcast[] {
  return text.split('/').map((part) => {
    const [, time, blocks, steps] =
      /^(\d*\.?\d+):(\d+(?:-\d+)?)(?::(\d+))?$/.exec(part.trim()) ?? [];
    assertArgument(
      { [argument]: text },
      'time:blocks or time:blocks:steps with slashes between, such as 676:0-4:2/788:0-4',
      blocks !== undefined,
    );
    return {
      time: Number(time),
      blocks: integersIn({ argument, text: blocks }),
      ...(steps !== undefined && { steps: Number(steps) }),
    };
  });
}

/** {@link pabSchedule}: ranges by kind of branch, each in a window of model times. */
export const pab = /* @__PURE__ */ cachingMethod({
  name: 'pab',
  summary: 'Pyramid Attention Broadcast: ranges by kind of branch (attention=2,mlp=3)',
  settings: pabSettings,
  make(settings, { plan, spec }) {
    const { mlpAfter, predictor } = settings;
    return pabSchedule({
      branches: spec.branches,
      times: plan.steps.map(({ timestep }) => timestep),
      broadcast: broadcastOf(settings),
      ...(mlpAfter !== undefined && {
        mlp: mlpBroadcastsIn({ argument: 'mlp-after', text: mlpAfter }),
      }),
      ...(predictor && { predictor }),
    });
  },
});

function pabSettings() {
  return {
    attention: wholeNumber().exactOptional(),
    crossAttention: wholeNumber().exactOptional(),
    mlp: wholeNumber().exactOptional(),
    /** End of the window of kinds that have none of their own. Default 100. */
    low: z.number().exactOptional(),
    /** Start of that window. Default 800. */
    high: z.number().exactOptional(),
    /** Window of attention alone, `low-high`, such as `450-930`. */
    attentionWindow: z.string().exactOptional(),
    crossAttentionWindow: z.string().exactOptional(),
    mlpWindow: z.string().exactOptional(),
    /**
     * MLPs that are predicted after single steps: the model time of the step, blocks, and in how many steps after it, 2 by
     * default. Open-Sora's: `676:0-4:2/788:0-4:2/864:0-4:2`.
     */
    mlpAfter: z.string().exactOptional(),
    ...predicting(),
  };
}

function broadcastOf(
  settings: SettingsOf<ReturnType<typeof pabSettings>>,
): PabScheduleOptions['broadcast'] {
  const { low = 100, high = 800, mlpAfter } = settings;
  const kinds = [
    ['attention', settings.attention, settings.attentionWindow],
    ['cross-attention', settings.crossAttention, settings.crossAttentionWindow],
    ['mlp', settings.mlp, settings.mlpWindow],
  ] as const;
  const broadcast: { [Kind in BranchKind]?: Broadcast } = {};
  for (const [kind, range, text] of kinds) {
    const argument = `${kind}-window`;
    const isComplete = range !== undefined || text === undefined;
    assertArgument({ [argument]: text }, `a range beside it: ${kind}=2`, isComplete);
    if (range === undefined) continue;
    const window = text === undefined ? ([low, high] as const) : windowIn({ argument, text });
    broadcast[kind] = { range, window };
  }
  assertArgument(
    { 'ranges of pab': 'none' },
    'one for some of attention, cross-attention and mlp, or mlp-after',
    mlpAfter !== undefined || Object.keys(broadcast).length > 0,
  );
  return broadcast;
}
