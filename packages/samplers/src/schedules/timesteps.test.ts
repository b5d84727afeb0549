import { readFileSync } from 'node:fs';
import { InvalidArgumentError } from '@harmonica/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Respacing,
  respaceTimesteps,
  type StepSelection,
  selectTimesteps,
  sortTimesteps,
  type TimestepSpacing,
} from './timesteps.js';

interface RespacingCase {
  readonly length: number;
  readonly respacing: string | readonly number[];
}

const { accepted, refused } = JSON.parse(
  readFileSync(new URL('../__fixtures__/respacings.json', import.meta.url), 'utf8'),
) as {
  accepted: readonly (RespacingCase & { readonly timesteps: readonly number[] })[];
  refused: readonly RespacingCase[];
};

describe('parity with the official space_timesteps', () => {
  it.each(accepted)('$respacing of $length', ({ length, respacing, timesteps }) => {
    expect(respaceTimesteps({ length, respacing })).toEqual(timesteps);
  });

  it.each(refused)('refuses $respacing of $length', ({ length, respacing }) => {
    expect(() => respaceTimesteps({ length, respacing })).toThrow(InvalidArgumentError);
  });
});

describe('respaceTimesteps', () => {
  it('reads a number, its string and a list of one alike', () => {
    const expected = respaceTimesteps({ length: 1000, respacing: '20' });
    expect(respaceTimesteps({ length: 1000, respacing: 20 })).toEqual(expected);
    expect(respaceTimesteps({ length: 1000, respacing: [20] })).toEqual(expected);
  });

  it('visits everything for the empty string', () => {
    expect(respaceTimesteps({ length: 5, respacing: '' })).toEqual([0, 1, 2, 3, 4]);
  });

  it('gives as many distinct ascending timesteps as asked for', () => {
    const sections = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(sections, fc.integer({ min: 240, max: 1500 }), (respacing, length) => {
        const timesteps = respaceTimesteps({ respacing, length });
        const total = respacing.reduce((sum, count) => sum + count, 0);
        expect(timesteps).toHaveLength(total);
        expect(sortTimesteps({ timesteps, length })).toEqual(timesteps);
      }),
    );
  });

  it.each<Respacing>([
    0,
    -1,
    2.5,
    Number.NaN,
    1001,
    '0',
    'twenty',
    '10,',
    '-3',
    '1e2',
    'ddim',
    'ddim0',
    [],
    [0, 0],
    [5, -1],
  ])('refuses %j', (respacing) => {
    expect(() => respaceTimesteps({ length: 1000, respacing })).toThrow(InvalidArgumentError);
  });

  it('says what to use instead of an impossible constant stride', () => {
    expect(() => respaceTimesteps({ length: 1000, respacing: 'ddim300' })).toThrow(
      'Use 300 instead of "ddim300"',
    );
  });
});

describe('even spacing', () => {
  const even = (steps: number, length = 1000) =>
    selectTimesteps({ steps, spacing: 'linspace', length });

  it('rounds linspace(0, length - 1, steps), halves to even', () => {
    expect(even(5)).toEqual([0, 250, 500, 749, 999]);
    expect(even(3)).toEqual([0, 500, 999]);
    expect(even(4, 10)).toEqual([0, 3, 6, 9]);
    expect(even(1)).toEqual([0]);
  });

  it('agrees with the official respacing for every even count up to 1000', () => {
    for (let steps = 2; steps <= 1000; steps += 2) {
      expect(even(steps)).toEqual(selectTimesteps({ steps, length: 1000 }));
    }
  });

  it('differs from it by one timestep where rounding errors decide a tie', () => {
    const official = selectTimesteps({ steps: 21, length: 1000 });
    const moved = even(21).filter((timestep, i) => timestep !== official[i]);
    expect(moved).toEqual([500]);
    expect(official[10]).toBe(499);
  });

  it('gives as many distinct ascending timesteps as asked for', () => {
    const sizes = fc
      .integer({ min: 1, max: 1200 })
      .chain((length) => fc.tuple(fc.integer({ min: 1, max: length }), fc.constant(length)));
    fc.assert(
      fc.property(sizes, ([steps, length]) => {
        const timesteps = even(steps, length);
        expect(timesteps).toHaveLength(steps);
        expect(sortTimesteps({ timesteps, length })).toEqual(timesteps);
      }),
    );
  });

  it.each<Respacing>([0, 1001, 1.5, '20', [20]])('refuses %j', (steps) => {
    expect(() => selectTimesteps({ steps, spacing: 'linspace', length: 1000 })).toThrow(
      InvalidArgumentError,
    );
  });
});

describe('parity with diffusers, exact', () => {
  const { spacings } = JSON.parse(
    readFileSync(new URL('../__fixtures__/solvers.json', import.meta.url), 'utf8'),
  ) as {
    spacings: readonly {
      readonly spacing: 'leading' | 'trailing' | 'linspace';
      readonly steps: number;
      readonly timesteps: readonly number[];
    }[];
  };

  it.each(spacings)('$spacing, $steps steps', ({ spacing, steps, timesteps }) => {
    const name = spacing;
    const selected = selectTimesteps({ steps, spacing: name, length: 1000 });
    expect(selected.reverse()).toEqual(timesteps);
  });
});

describe('leading spacing', () => {
  it('adds an offset', () => {
    const selection = { steps: 4, spacing: 'leading', stepsOffset: 1 } as const;
    expect(selectTimesteps({ ...selection, length: 1000 })).toEqual([1, 251, 501, 751]);
  });

  it.each([-1, 0.5, 251, Number.NaN])('refuses offset %s', (stepsOffset) => {
    const selection = { steps: 4, spacing: 'leading', stepsOffset } as const;
    expect(() => selectTimesteps({ ...selection, length: 1000 })).toThrow(InvalidArgumentError);
  });
});

describe('selectTimesteps', () => {
  it('sorts explicit timesteps', () => {
    expect(selectTimesteps({ timesteps: [999, 0, 500], length: 1000 })).toEqual([0, 500, 999]);
  });

  it.each([[[]], [[1, 1]], [[1000]], [[-1]], [[0.5]], [[Number.NaN]]])(
    'refuses timesteps %j',
    (timesteps) => {
      expect(() => selectTimesteps({ timesteps, length: 1000 })).toThrow(InvalidArgumentError);
    },
  );

  it('needs exactly one of steps and timesteps', () => {
    const none = {} as StepSelection;
    const both = { steps: 2, timesteps: [0, 1] } as unknown as StepSelection;
    for (const selection of [none, both]) {
      expect(() => selectTimesteps({ ...selection, length: 1000 })).toThrow(
        'expected exactly one of steps and timesteps',
      );
    }
  });

  it('refuses an unknown spacing', () => {
    const spacing = 'karras' as TimestepSpacing;
    expect(() => selectTimesteps({ steps: 20, spacing, length: 1000 })).toThrow(
      'spacing is "karras"; expected one of guided-diffusion, linspace',
    );
  });
});
