import { sameShape } from '../graph.js';
import { graphOps } from '../graph-ops.js';
import type { GraphView, RewriteRule } from '../rewrite-graph.js';
import { bothOrders } from './identities.js';
import { normalisation } from './layer-norm.js';

/**
 * Group norm of NHWC images, written over `[B, H W, groups, size]`: one InstanceNormalization over the groups in NCHW,
 * which is the layout of the convolutions around it.
 */
export const groupNormRule: RewriteRule = ({ op, inputs, outputs: [y = ''] }, view) => {
  const shape = view.shape(y);
  if (op !== 'Add' || shape.length !== 4) return undefined;
  for (const [product, shift] of bothOrders(inputs)) {
    const found = groupNorm(product, view);
    const image = found && view.producer(found.x, 'Reshape')?.inputs[0];
    if (!found || image === undefined || !isPerChannel(shift, shape, view)) continue;
    if (!isPerChannel(found.scale, shape, view) || !isImage(image, shape, view)) continue;
    return [normalised({ ...found, image, shift, shape, view })];
  }
  return undefined;
};

/** Reads `(x - mean) * (rsqrt(variance + epsilon) * scale)`. */
function groupNorm(product: string, view: GraphView) {
  for (const [centred, factor] of bothOrders(view.producer(product, 'Mul')?.inputs)) {
    for (const [inverse, scale] of bothOrders(view.producer(factor, 'Mul')?.inputs)) {
      const deviation = view.producer(inverse, 'Reciprocal')?.inputs[0];
      const found = normalisation({ centred, deviation, view, meanOf: meanOverGroup });
      if (found) return { ...found, scale };
    }
  }
  return undefined;
}

/** What is averaged over axes 1 and 3, at once or one after the other, all axes kept. */
function meanOverGroup(name: string, view: GraphView): string | undefined {
  const axes: number[] = [];
  let value = name;
  for (
    let node = view.producer(value, 'ReduceMean');
    node;
    node = view.producer(value, 'ReduceMean')
  ) {
    axes.push(...(view.integers(node.inputs[1]) ?? []));
    value = node.inputs[0] as string;
    if (view.shape(value).length !== view.shape(name).length) return undefined;
  }
  return axes.toSorted().join() === '1,3' ? value : undefined;
}

/** `[groups, size]`, or with leading ones. */
function isPerChannel(name: string, shape: readonly number[], view: GraphView): boolean {
  const own = view.shape(name);
  const rest = own.slice(0, -2);
  return sameShape(own.slice(-2), shape.slice(-2)) && rest.every((size) => size === 1);
}

/** `[B, H, W, groups * size]`. */
function isImage(name: string, shape: readonly number[], view: GraphView): boolean {
  const own = view.shape(name);
  const [batch, pixels, groups = 0, size = 0] = shape;
  const [first, height = 0, width = 0, channels] = own;
  return (
    own.length === 4 && first === batch && height * width === pixels && channels === groups * size
  );
}

interface Found {
  readonly view: GraphView;
  readonly image: string;
  readonly scale: string;
  readonly shift: string;
  readonly epsilon: number;
  readonly shape: readonly number[];
}

function normalised({ view, image, scale, shift, epsilon, shape }: Found): string {
  const { builder } = view;
  const { reshape, transpose, mul, add } = graphOps(builder);
  const [batch = 0, height = 0, width = 0, channels = 0] = view.shape(image);
  const groups = shape[2] as number;
  const vector = (value: number) =>
    builder.constant(new Float32Array(groups).fill(value), [groups], 'float32');
  const rows = [batch, groups, (channels / groups) * height * width];
  const inputs = [reshape(transpose(image, [0, 3, 1, 2]), rows), vector(1), vector(0)];
  const attributes = { epsilon: { float: epsilon } };
  const normal = builder.node({ op: 'InstanceNormalization', inputs, shape: rows, attributes });
  const perChannel = (name: string) => reshape(name, [channels, 1, 1]);
  const scaled = mul(reshape(normal, [batch, channels, height, width]), perChannel(scale));
  return reshape(transpose(add(scaled, perChannel(shift)), [0, 2, 3, 1]), shape);
}
