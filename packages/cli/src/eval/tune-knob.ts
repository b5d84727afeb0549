import type { KnobConfig } from './eval-config.js';

/** Options of {@link tuneKnob}. */
export interface TuneKnobOptions {
  readonly knob: KnobConfig;
  /** Whether only whole numbers are values of the setting. Default false. */
  readonly isInteger?: boolean;
  /** Above 1. */
  readonly target: number;
  /** The speed-up that a value promises, without timing. Larger, as a rule, towards the end of the knob. */
  readonly promiseAt: (value: number) => Promise<number>;
  /** Measures the speed-up at a value. */
  readonly speedUpAt: (value: number) => Promise<number>;
}

/** A value of a knob, and how fast it was found to be. */
export interface TunedValue {
  readonly value: number;
  readonly speedUp: number;
  /** Whether it is near enough to the target to stand in one line with rows that reach it. */
  readonly isNear: boolean;
}

/** Halvings of a range: enough for a hundredth of it. */
const HALVINGS = 7;
/** Of the values that are tried, for people who read them. */
const DIGITS = 4;
/** Values that are timed at most. */
const ROUNDS = 3;
/** Relative distance from the target at which a search ends. */
const NEAR = 0.02;
/** Largest ratio between a target and what stands for it, as a logarithm. */
const LARGEST_MISS = Math.log(1.1);

/**
 * The value of a knob whose measured speed-up is nearest to a target. Timing is slow and noisy, so that values are found
 * by what they promise; the one found is timed, and the search goes on for a promise that is as much larger as the
 * measurement fell short.
 */
export async function tuneKnob(options: TuneKnobOptions): Promise<TunedValue> {
  const { knob, isInteger = false, target } = options;
  const promiseAt = rememberedCalls(options.promiseAt);
  const speedUpAt = rememberedCalls(options.speedUpAt);
  const missOf = (speedUp: number) => Math.abs(Math.log(speedUp / target));
  let best: TunedValue | undefined;
  let promise = target;
  for (let round = 0; round < ROUNDS; round++) {
    const value = await valueFor({ knob, isInteger, wanted: promise, promiseAt });
    const speedUp = await speedUpAt(value);
    const miss = missOf(speedUp);
    if (!best || miss < missOf(best.speedUp)) {
      best = { value, speedUp, isNear: miss <= LARGEST_MISS };
    }
    if (miss < NEAR) break;
    promise *= target / speedUp;
  }
  return best as TunedValue;
}

type Measure = (value: number) => Promise<number>;

function rememberedCalls(measure: Measure): Measure {
  const known = new Map<number, Promise<number>>();
  return (value) => {
    const result = known.get(value) ?? measure(value);
    known.set(value, result);
    return result;
  };
}

/** The value that promises most nearly what is wanted. */
async function valueFor(input: {
  readonly knob: KnobConfig;
  readonly isInteger: boolean;
  readonly wanted: number;
  readonly promiseAt: Measure;
}): Promise<number> {
  const { knob, isInteger, wanted, promiseAt } = input;
  const { values, range } = knob;
  if (values) return nearestValue(values, wanted, promiseAt);
  const rounded = (value: number) =>
    isInteger ? Math.round(value) : Number(value.toPrecision(DIGITS));
  let [low, high] = range as readonly [number, number];
  for (let i = 0; i < HALVINGS; i++) {
    const middle = rounded((low + high) / 2);
    if (middle === low || middle === high) break;
    if ((await promiseAt(middle)) < wanted) low = middle;
    else high = middle;
  }
  return nearestValue([low, high], wanted, promiseAt);
}

async function nearestValue(
  values: readonly number[],
  wanted: number,
  promiseAt: Measure,
): Promise<number> {
  let nearest = { value: Number.NaN, miss: Number.POSITIVE_INFINITY };
  for (const value of values) {
    const miss = Math.abs(Math.log((await promiseAt(value)) / wanted));
    if (miss < nearest.miss) nearest = { value, miss };
  }
  return nearest.value;
}
