import { CheckpointError, type WeightSource } from '@harmonica/core';
import { type DitConfig, ditSizes } from './dit-config.js';
import { STORED_POSITIONS } from './dit-layouts.js';
import { readFinite } from './load-weights.js';
import { sinCosPosition } from './sin-cos-position.js';

/** Half a unit in the last place of a bfloat16 just below 1, the coarsest rounding a stored table may have. */
const POSITION_TOLERANCE = 2 ** -9;

/**
 * Checks a stored position table, if there is one, against the fixed sine-cosine table.
 *
 * @throws {@link CheckpointError} if it differs
 */
export async function assertStoredPositions(
  config: DitConfig,
  source: WeightSource,
): Promise<void> {
  if (!source.names.includes(STORED_POSITIONS)) return;
  const { gridSize, tokens } = ditSizes(config);
  const { hiddenSize: width, inputSize, patchSize } = config;
  const { shape } = source.info(STORED_POSITIONS);
  const fail = (problem: string) =>
    new CheckpointError({
      path: source.path,
      key: STORED_POSITIONS,
      problem,
      fix: `A model for ${inputSize} x ${inputSize} latents with patch size ${patchSize} uses the fixed table of a ${gridSize} x ${gridSize} grid; check the configuration.`,
    });
  if (shape.join() !== [1, tokens, width].join()) {
    throw fail(`has shape [${shape.join(', ')}] where [1, ${tokens}, ${width}] is expected`);
  }
  const stored = await readFinite(source, STORED_POSITIONS);
  const expected = sinCosPosition({ gridSize, width });
  const error = expected.reduce(
    (most, value, i) => Math.max(most, Math.abs(value - (stored[i] ?? Infinity))),
    0,
  );
  if (error > POSITION_TOLERANCE)
    throw fail(`differs from the fixed table by ${error.toPrecision(2)}`);
}
