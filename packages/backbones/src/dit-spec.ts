import type { BackboneSpec } from '@harmonica/core';
import { blockBranches } from './branches.js';
import { LABELS } from './condition-names.js';
import { assertDitConfig, type DitConfig, ditSizes } from './dit-config.js';
import { timestepMlpMacs } from './timestep-mlp.js';

/**
 * What a DiT of this configuration takes, gives and costs. Branches alternate attention and MLP, block by block.
 * `macs` counts the multiply-accumulates of matrix products, which is what the papers call Gflops.
 *
 * @throws {@link InvalidArgumentError}
 */
export function ditSpec(config: DitConfig): BackboneSpec {
  assertDitConfig(config);
  const { name, depth, hiddenSize, inputSize, inChannels, numClasses } = config;
  const { tokens, outputChannels } = ditSizes(config);
  const branches = blockBranches({ blocks: depth, kinds: ['attention', 'mlp'] });
  const macs = ditMacs(config);
  return {
    name,
    latent: { height: inputSize, width: inputSize, channels: inChannels },
    outputChannels,
    prediction: 'epsilon',
    tokens: { count: tokens, width: hiddenSize },
    condition: [{ name: LABELS, dtype: 'int32', shape: [] }],
    nullCondition: { [LABELS]: [numClasses] },
    branches,
    macs: {
      begin: macs.begin,
      branches: branches.map(({ kind }) => (kind === 'mlp' ? macs.mlp : macs.attention)),
      end: macs.end,
    },
  };
}

/** Multiply-accumulates of one sample, for each part of a DiT. */
function ditMacs(config: DitConfig) {
  const { depth, hiddenSize: d } = config;
  const { tokens, patchInputs, patchOutputs, mlpWidth } = ditSizes(config);
  const patchEmbedding = tokens * patchInputs * d;
  const modulations = (6 * depth + 2) * d * d;
  return {
    begin: patchEmbedding + timestepMlpMacs(d) + modulations,
    attention: 4 * tokens * d * d + 2 * tokens * tokens * d,
    mlp: 2 * tokens * d * mlpWidth,
    end: tokens * d * patchOutputs,
  };
}
