import { readFileSync } from 'node:fs';

interface TaylorRun {
  /** One character a step, 1 where it was computed. */
  readonly table: string;
  readonly outputs: readonly number[];
}

interface Fixture {
  readonly smoothCache: {
    /** `[T][N][size]`. */
    readonly outputs: readonly (readonly (readonly number[])[])[];
    readonly changes: readonly (readonly (readonly number[])[])[];
    readonly cases: readonly {
      readonly lookback: number;
      readonly threshold: number;
      readonly schedule: { readonly attn: string; readonly mlp: string };
    }[];
  };
  readonly pab: {
    readonly times: readonly number[];
    readonly mlp: readonly { time: number; blocks: readonly number[]; steps: number }[];
    readonly cases: readonly {
      readonly ranges: { readonly attention: number; readonly 'cross-attention': number };
      readonly window: readonly [number, number];
      readonly attention: string;
      readonly crossAttention: string;
      readonly diffusers: { readonly attention: string; readonly crossAttention: string };
      /** For each block. */
      readonly mlp: readonly string[];
    }[];
  };
  readonly taylorSeer: readonly (TaylorRun & {
    readonly steps: number;
    readonly interval: number;
    readonly order: number;
    /** What the branch would put out in each step. */
    readonly values: readonly number[];
    readonly diffusers: TaylorRun;
  })[];
  readonly magCache: {
    readonly recorded: readonly number[];
    readonly cases: readonly {
      readonly steps: number;
      readonly threshold: number;
      readonly maxSkips: number;
      readonly retention: number;
      readonly table: string;
    }[];
    /** Residuals `[T][B][L][D]`. */
    readonly calibration: {
      readonly residuals: readonly number[][][][];
      readonly ratios: readonly number[];
    };
  };
  readonly firstBlockCache: readonly {
    readonly threshold: number;
    /** `[T][size]`. */
    readonly outputs: readonly (readonly number[])[];
    readonly table: string;
  }[];
  readonly dualBlockCache: readonly {
    readonly threshold: number;
    readonly warmUp: number;
    /** -1 for no limit. */
    readonly maxCached: number;
    readonly maxConsecutive: number;
    readonly outputs: readonly (readonly number[])[];
    readonly table: string;
  }[];
  readonly polynomials: {
    readonly x: readonly number[];
    readonly y: readonly number[];
    readonly fits: readonly {
      readonly degree: number;
      readonly coefficients: readonly number[];
      readonly rSquared: number;
    }[];
  };
}

/** Made by scripts/make-official-policies-fixture.py. */
export const official = JSON.parse(
  readFileSync(new URL('./official-policies.json', import.meta.url), 'utf8'),
) as Fixture;

/** Column of a schedule's table, as a string with one character a step. */
export const columnOf = (table: readonly string[], branch: number) =>
  table.map((row) => row[branch]).join('');
