import { InvalidArgumentError } from '@harmonica/core';

/** What the configuration of every transformer here has. */
export interface TransformerShape {
  readonly hiddenSize: number;
  readonly heads: number;
  readonly patchSize: number;
  readonly mlpRatio: number;
}

/** The error that names a field which no model can have. */
export function invalidField<C extends object>(
  config: C,
  field: keyof C & string,
  expected: string,
): InvalidArgumentError {
  return new InvalidArgumentError({ argument: `config.${field}`, value: config[field], expected });
}

/** @throws {@link InvalidArgumentError} for the first field that is not an integer of at least `least` */
export function assertCounts<C extends object>(
  config: C,
  fields: readonly (keyof C & string)[],
  least: 0 | 1 = 1,
): void {
  for (const field of fields) {
    const value = config[field] as number;
    if (Number.isInteger(value) && value >= least) continue;
    const expected = least === 1 ? 'a positive integer' : 'an integer of 0 or more';
    throw invalidField(config, field, expected);
  }
}

/**
 * Heads divide the width, patches the given sides, and the MLP has a hidden layer.
 *
 * @throws {@link InvalidArgumentError} for the first field of which this is not true
 */
export function assertTransformerShape<C extends TransformerShape>(
  config: C,
  sides: readonly (keyof C & string)[],
): void {
  const shape: TransformerShape = config;
  const { hiddenSize, heads, patchSize, mlpRatio } = shape;
  if (hiddenSize % heads !== 0) {
    throw invalidField(config, 'heads', `a divisor of hiddenSize ${hiddenSize}`);
  }
  for (const side of sides) {
    if ((config[side] as number) % patchSize === 0) continue;
    throw invalidField(config, side, `a multiple of patchSize ${patchSize}`);
  }
  if (!(mlpRatio * hiddenSize >= 1 && Number.isFinite(mlpRatio))) {
    throw invalidField(config, 'mlpRatio', `a finite number of at least 1 / ${hiddenSize}`);
  }
}
