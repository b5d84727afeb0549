import { type DitConfig, ditSizes } from './dit-config.js';
import { linearParameters, type Parameter, patchParameters, tableParameter } from './parameter.js';
import { timestepMlpParameters } from './timestep-mlp.js';

/** Every trained tensor of a DiT under its official name, in the order in which they are used. */
export function ditParameters(config: DitConfig): Parameter[] {
  const { depth, hiddenSize: width, patchSize, inChannels, numClasses } = config;
  const { patchOutputs } = ditSizes(config);
  return [
    ...patchParameters({
      name: 'x_embedder.proj',
      inputs: inChannels,
      outputs: width,
      kernel: patchSize,
    }),
    ...timestepMlpParameters('t_embedder', width),
    tableParameter('y_embedder.embedding_table', numClasses + 1, width),
    ...Array.from({ length: depth }, (_, block) => blockParameters(config, block)).flat(),
    ...linearParameters('final_layer.adaLN_modulation.1', width, 2 * width),
    ...linearParameters('final_layer.linear', width, patchOutputs),
  ];
}

function blockParameters(config: DitConfig, block: number): Parameter[] {
  const { hiddenSize: width } = config;
  const { mlpWidth } = ditSizes(config);
  const name = `blocks.${block}`;
  return [
    ...linearParameters(`${name}.adaLN_modulation.1`, width, 6 * width),
    ...linearParameters(`${name}.attn.qkv`, width, 3 * width),
    ...linearParameters(`${name}.attn.proj`, width, width),
    ...linearParameters(`${name}.mlp.fc1`, width, mlpWidth),
    ...linearParameters(`${name}.mlp.fc2`, mlpWidth, width),
  ];
}
