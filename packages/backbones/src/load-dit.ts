import { type Backbone, CheckpointError, type WeightSource } from '@harmonica/core';
import { createDit } from './dit.js';
import { assertDitConfig, type DitConfig, ditSizes } from './dit-config.js';
import { ditParameters } from './dit-parameters.js';
import { type LoadOptions, loadWeights, readFinite } from './load-weights.js';
import { sinCosPosition } from './sin-cos-position.js';

export interface LoadDitOptions extends LoadOptions {
  readonly config: DitConfig;
}

const POSITIONS = 'pos_embed';

/** Half a unit in the last place of a bfloat16 just below 1, the coarsest rounding a stored table may have. */
const POSITION_TOLERANCE = 2 ** -9;

/**
 * Loads a DiT from a checkpoint with the official parameter names, one tensor at a time. The fixed position table
 * `pos_embed` may be in the file or not; it is computed either way, and a stored one must agree.
 *
 * @returns a backbone whose weights live on the current TensorFlow.js backend; the caller disposes it
 * @throws {@link InvalidArgumentError} if no DiT has this configuration
 * @throws {@link CheckpointError} naming each tensor that is missing, unknown or of another shape
 * @throws {@link NonFiniteError} naming the first tensor that holds NaN or infinity
 * @throws {@link AbortedError}
 */
export async function loadDit({ config, ...options }: LoadDitOptions): Promise<Backbone> {
  assertDitConfig(config);
  const weights = await loadWeights({
    ...options,
    owner: config.name,
    parameters: ditParameters(config),
    extras: [POSITIONS],
  });
  try {
    await assertPositions(config, options.source);
    return createDit({ config, weights });
  } catch (error) {
    weights.dispose();
    throw error;
  }
}

/** Checks a stored position table, if there is one, against the fixed sine-cosine table. */
async function assertPositions(config: DitConfig, source: WeightSource): Promise<void> {
  if (!source.names.includes(POSITIONS)) return;
  const { gridSize, tokens } = ditSizes(config);
  const { hiddenSize: width } = config;
  const { shape } = source.info(POSITIONS);
  const fail = (problem: string) =>
    new CheckpointError({
      path: source.path,
      key: POSITIONS,
      problem,
      fix: `A DiT for ${config.inputSize} x ${config.inputSize} latents with patch size ${config.patchSize} uses the fixed table of a ${gridSize} x ${gridSize} grid; check the configuration.`,
    });
  if (shape.join() !== [1, tokens, width].join()) {
    throw fail(`has shape [${shape.join(', ')}] where [1, ${tokens}, ${width}] is expected`);
  }
  const stored = await readFinite(source, POSITIONS);
  const expected = sinCosPosition({ gridSize, width });
  const error = expected.reduce(
    (most, value, i) => Math.max(most, Math.abs(value - (stored[i] ?? Infinity))),
    0,
  );
  if (error > POSITION_TOLERANCE)
    throw fail(`differs from the fixed table by ${error.toPrecision(2)}`);
}
