/** A convolution without bias, batch normalization and ReLU. */
export interface ConvolutionLayer {
  readonly kind: 'convolution';
  readonly name: string;
  readonly outputs: number;
  /** Height and width. */
  readonly kernel: readonly [number, number];
  readonly stride: 1 | 2;
  readonly padding: 'same' | 'valid';
}

/** Pooling over 3 x 3 pixels, with padding at stride 1 only. Averages leave the padding out. */
interface PoolLayer {
  readonly kind: 'average-pool' | 'max-pool';
  readonly name: string;
  readonly stride: 1 | 2;
}

/** Branches over one image, joined along the channels. */
interface ConcatLayer {
  readonly kind: 'concat';
  readonly name: string;
  readonly branches: readonly (readonly Layer[])[];
}

export type Layer = ConvolutionLayer | PoolLayer | ConcatLayer;

/** What differs between the networks that go by the name of Inception v3. */
interface InceptionLayersOptions {
  /** Pooling in the last block: average in the paper, maximum in the network that FID is defined by. */
  readonly lastPool: PoolLayer['kind'];
}

/**
 * Inception v3 without its classifier (Szegedy et al., 2015, arXiv:1512.00567), `[B, 299, 299, 3]` to `[B, 8, 8, 2048]`,
 * with the names of torchvision.
 */
export function inceptionLayers({ lastPool }: InceptionLayersOptions): readonly Layer[] {
  return [
    convolution('Conv2d_1a_3x3', 32, [3, 3], { stride: 2 }),
    convolution('Conv2d_2a_3x3', 32, [3, 3], { padding: 'valid' }),
    convolution('Conv2d_2b_3x3', 64, [3, 3]),
    pool('max-pool', 2),
    convolution('Conv2d_3b_1x1', 80, [1, 1]),
    convolution('Conv2d_4a_3x3', 192, [3, 3], { padding: 'valid' }),
    pool('max-pool', 2),
    blockA('Mixed_5b', 32),
    blockA('Mixed_5c', 64),
    blockA('Mixed_5d', 64),
    reductionB('Mixed_6a'),
    blockC('Mixed_6b', 128),
    blockC('Mixed_6c', 160),
    blockC('Mixed_6d', 160),
    blockC('Mixed_6e', 192),
    reductionD('Mixed_7a'),
    blockE('Mixed_7b', 'average-pool'),
    blockE('Mixed_7c', lastPool),
  ];
}

/** A convolution with the channels that enter it. */
export interface PlacedConvolution extends ConvolutionLayer {
  readonly inputs: number;
}

/** Every convolution in order, depth first. */
export function convolutionsOf(layers: readonly Layer[], inputs: number): PlacedConvolution[] {
  let channels = inputs;
  return layers.flatMap((layer) => {
    const placed = convolutionsIn(layer, channels);
    channels = channelsAfter(layer, channels);
    return placed;
  });
}

function convolutionsIn(layer: Layer, inputs: number): PlacedConvolution[] {
  if (layer.kind === 'convolution') return [{ ...layer, inputs }];
  if (layer.kind !== 'concat') return [];
  return layer.branches.flatMap((branch) => convolutionsOf(branch, inputs));
}

function channelsAfter(layer: Layer, inputs: number): number {
  if (layer.kind === 'convolution') return layer.outputs;
  if (layer.kind !== 'concat') return inputs;
  const ends = layer.branches.map((branch) =>
    branch.reduce((channels, part) => channelsAfter(part, channels), inputs),
  );
  return ends.reduce((a, b) => a + b, 0);
}

function blockA(name: string, pooled: number): ConcatLayer {
  const conv = within(name);
  return concat(name, [
    [conv('branch1x1', 64)],
    [conv('branch5x5_1', 48), conv('branch5x5_2', 64, [5, 5])],
    [
      conv('branch3x3dbl_1', 64),
      conv('branch3x3dbl_2', 96, [3, 3]),
      conv('branch3x3dbl_3', 96, [3, 3]),
    ],
    [pool('average-pool', 1), conv('branch_pool', pooled)],
  ]);
}

function reductionB(name: string): ConcatLayer {
  const conv = within(name);
  return concat(name, [
    [conv('branch3x3', 384, [3, 3], { stride: 2 })],
    [
      conv('branch3x3dbl_1', 64),
      conv('branch3x3dbl_2', 96, [3, 3]),
      conv('branch3x3dbl_3', 96, [3, 3], { stride: 2 }),
    ],
    [pool('max-pool', 2)],
  ]);
}

function blockC(name: string, inner: number): ConcatLayer {
  const conv = within(name);
  return concat(name, [
    [conv('branch1x1', 192)],
    [
      conv('branch7x7_1', inner),
      conv('branch7x7_2', inner, [1, 7]),
      conv('branch7x7_3', 192, [7, 1]),
    ],
    [
      conv('branch7x7dbl_1', inner),
      conv('branch7x7dbl_2', inner, [7, 1]),
      conv('branch7x7dbl_3', inner, [1, 7]),
      conv('branch7x7dbl_4', inner, [7, 1]),
      conv('branch7x7dbl_5', 192, [1, 7]),
    ],
    [pool('average-pool', 1), conv('branch_pool', 192)],
  ]);
}

function reductionD(name: string): ConcatLayer {
  const conv = within(name);
  return concat(name, [
    [conv('branch3x3_1', 192), conv('branch3x3_2', 320, [3, 3], { stride: 2 })],
    [
      conv('branch7x7x3_1', 192),
      conv('branch7x7x3_2', 192, [1, 7]),
      conv('branch7x7x3_3', 192, [7, 1]),
      conv('branch7x7x3_4', 192, [3, 3], { stride: 2 }),
    ],
    [pool('max-pool', 2)],
  ]);
}

function blockE(name: string, kind: PoolLayer['kind']): ConcatLayer {
  const conv = within(name);
  const fork = (branch: string): ConcatLayer =>
    concat(`${name}.${branch}`, [
      [conv(`${branch}a`, 384, [1, 3])],
      [conv(`${branch}b`, 384, [3, 1])],
    ]);
  return concat(name, [
    [conv('branch1x1', 320)],
    [conv('branch3x3_1', 384), fork('branch3x3_2')],
    [conv('branch3x3dbl_1', 448), conv('branch3x3dbl_2', 384, [3, 3]), fork('branch3x3dbl_3')],
    [pool(kind, 1), conv('branch_pool', 192)],
  ]);
}

type ConvolutionChoices = Partial<Pick<ConvolutionLayer, 'stride' | 'padding'>>;

function convolution(
  name: string,
  outputs: number,
  kernel: ConvolutionLayer['kernel'],
  { stride = 1, padding = stride === 1 ? 'same' : 'valid' }: ConvolutionChoices = {},
): ConvolutionLayer {
  return { kind: 'convolution', name, outputs, kernel, stride, padding };
}

/** Convolutions of a block, by default of single pixels. */
function within(block: string) {
  return (
    name: string,
    outputs: number,
    kernel: ConvolutionLayer['kernel'] = [1, 1],
    choices: ConvolutionChoices = {},
  ) => convolution(`${block}.${name}`, outputs, kernel, choices);
}

function pool(kind: PoolLayer['kind'], stride: 1 | 2): PoolLayer {
  return { kind, name: kind, stride };
}

function concat(name: string, branches: ConcatLayer['branches']): ConcatLayer {
  return { kind: 'concat', name, branches };
}
