import { intAttribute, intsAttribute } from '../graph-ops.js';
import type { GradientTable } from './gradient-rule.js';

/** Derivatives of products, normalisations and convolutions. */
export const networkGradients: GradientTable = {
  MatMul: ({ node, ops, dy, wants }) => {
    const [a = '', b = ''] = node.inputs;
    if (ops.shape(a).length < 2 || ops.shape(b).length < 2) return undefined;
    return [
      wants(0) ? ops.reduceTo(ops.matMul(dy, ops.swapLast(b)), ops.shape(a)) : undefined,
      wants(1) ? ops.reduceTo(ops.matMul(ops.swapLast(a), dy), ops.shape(b)) : undefined,
    ];
  },

  /** `y (dy - sum(dy y))`. */
  Softmax: ({ node, ops, dy, y }) => {
    const axis = intAttribute(node, 'axis') ?? -1;
    const rank = ops.shape(y).length;
    const weighted = ops.mul(dy, y);
    const total = ops.reduce('ReduceSum', weighted, [(axis + rank) % rank]);
    return [ops.sub(weighted, ops.mul(y, total))];
  },

  /**
   * With n = (x - mean) r and dn = dy scale, the derivative is r (dn - mean(dn) - n mean(dn n)). Written over x itself:
   * `r dn + u x - (r mean(dn) + u mean)` with `u = -r^2 (r (mean(dn x) - mean mean(dn)))`, where everything but dn and x
   * is one number for each row.
   */
  LayerNormalization: ({ node, ops, dy, x, wants }) => {
    const [, scale = ''] = node.inputs;
    const [, mean, inverse] = node.outputs;
    if (wants(1) || wants(2) || mean === undefined || inverse === undefined) return undefined;
    const { add, sub, mul, unary, reduce } = ops;
    const last = [ops.shape(x).length - 1];
    const dn = mul(dy, scale);
    const average = reduce('ReduceMean', dn, last);
    const along = reduce('ReduceMean', mul(dn, x), last);
    const projection = mul(inverse, sub(along, mul(mean, average)));
    const u = unary('Neg', mul(mul(inverse, inverse), projection));
    const shift = unary('Neg', add(mul(inverse, average), mul(u, mean)));
    return [add(add(mul(dn, inverse), mul(x, u)), shift)];
  },

  Conv: ({ node, ops, dy, x, wants }) => {
    const dilations = intsAttribute(node, 'dilations') ?? [];
    if (wants(1) || wants(2) || dilations.some((dilation) => dilation !== 1)) return undefined;
    const filter = node.inputs[1] as string;
    const strides = intsAttribute(node, 'strides') ?? [];
    const pads = intsAttribute(node, 'pads') ?? [];
    const rest = strides.map((stride, i) => {
      const covered = ((ops.shape(dy)[i + 2] as number) - 1) * stride;
      const kernel = ops.shape(filter)[i + 2] as number;
      const padding = (pads[i] ?? 0) + (pads[i + strides.length] ?? 0);
      return (ops.shape(x)[i + 2] as number) + padding - covered - kernel;
    });
    const attributes = {
      strides: { ints: strides },
      pads: { ints: pads },
      output_padding: { ints: rest },
    };
    const shape = ops.shape(x);
    return [
      ops.builder.node({ op: 'ConvTranspose', inputs: [dy, filter], shape, attributes }),
      undefined,
    ];
  },
};
