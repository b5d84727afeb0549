import type { DitConfig } from './dit-config.js';
import { inLayout, type Layout, type LayoutRule } from './layout.js';
import type { Parameter, StoredTensor } from './parameter.js';

/** The fixed position table, which files may hold or not. */
export const STORED_POSITIONS = 'pos_embed';

/** Where diffusers keeps the embeddings of time and label: once in every block, always the same. */
const EMBEDDINGS = 'transformer_blocks.0.norm1.emb.';

/** diffusers' names (`DiTTransformer2DModel`), in which it splits queries, keys and values. */
const DIFFUSERS: readonly LayoutRule[] = [
  ['x_embedder.proj', 'pos_embed.proj'],
  ['t_embedder.mlp.0', `${EMBEDDINGS}timestep_embedder.linear_1`],
  ['t_embedder.mlp.2', `${EMBEDDINGS}timestep_embedder.linear_2`],
  ['y_embedder.embedding_table', `${EMBEDDINGS}class_embedder.embedding_table`],
  ['blocks.*.adaLN_modulation.1', 'transformer_blocks.*.norm1.linear'],
  [
    'blocks.*.attn.qkv',
    'transformer_blocks.*.attn1.to_q',
    'transformer_blocks.*.attn1.to_k',
    'transformer_blocks.*.attn1.to_v',
  ],
  ['blocks.*.attn.proj', 'transformer_blocks.*.attn1.to_out.0'],
  ['blocks.*.mlp.fc1', 'transformer_blocks.*.ff.net.0.proj'],
  ['blocks.*.mlp.fc2', 'transformer_blocks.*.ff.net.2'],
  ['final_layer.adaLN_modulation.1', 'proj_out_1'],
  ['final_layer.linear', 'proj_out_2'],
];

export interface DitLayoutsOptions {
  readonly config: Pick<DitConfig, 'depth'>;
  /** Under their official names. */
  readonly parameters: readonly Parameter[];
}

/** The official layout of a DiT's or SiT's parameters, and that of diffusers. */
export function ditLayouts({ config, parameters }: DitLayoutsOptions): [Layout, Layout] {
  const diffusers = inLayout({ parameters, rules: DIFFUSERS }).map((parameter) => ({
    ...parameter,
    stored: parameter.stored.map((tensor) => repeated(tensor, config.depth)),
  }));
  return [
    { parameters, extras: [STORED_POSITIONS] },
    { parameters: diffusers, extras: ['pos_embed.pos_embed'] },
  ];
}

/** An embedding with the names of its copies in the other blocks. */
function repeated(tensor: StoredTensor, depth: number): StoredTensor {
  const [name = ''] = tensor.names;
  if (!name.startsWith(EMBEDDINGS)) return tensor;
  const copies = Array.from({ length: depth - 1 }, (_, i) => name.replace('.0.', `.${i + 1}.`));
  return { ...tensor, copies };
}
