import { GELU_CUBIC, GELU_LINEAR } from './fusions/gelu.js';
import type { GraphNode } from './graph.js';
import { type GraphOps, intAttribute, intsAttribute } from './graph-ops.js';

/** What a gradient rule is told about its node. */
export interface GradientCall {
  readonly node: GraphNode;
  readonly ops: GraphOps;
  /** Derivatives by the outputs; undefined where nothing depends on one. */
  readonly dys: readonly (string | undefined)[];
  /** The derivative by the first output, for nodes with one. */
  readonly dy: string;
  readonly x: string;
  readonly y: string;
  /** The elements of a constant input such as a shape or axes. */
  integers(input: number): readonly number[];
  /** Whether the derivative by this input is wanted. */
  wants(input: number): boolean;
}

/**
 * Emits the derivative by each wanted input: the vector-Jacobian product of one operator. Undefined for an input that has
 * none; a rule that cannot differentiate its node as it stands returns undefined.
 */
type GradientRule = (call: GradientCall) => readonly (string | undefined)[] | undefined;

type GradientTable = Readonly<Record<string, GradientRule>>;

/** A rule for one operand, from x, y = f(x) and dy. */
function unary(rule: (call: GradientCall) => string): GradientRule {
  return (call) => [rule(call)];
}

/** Both operands of a broadcast operation, each summed to its shape. */
function binary(
  left: (call: GradientCall, b: string) => string,
  right: (call: GradientCall, a: string) => string,
): GradientRule {
  return (call) => {
    const [a = '', b = ''] = call.node.inputs;
    const { ops } = call;
    return [
      call.wants(0) ? ops.reduceTo(left(call, b), ops.shape(a)) : undefined,
      call.wants(1) ? ops.reduceTo(right(call, a), ops.shape(b)) : undefined,
    ];
  };
}

/**
 * The tanh form of GELU is `x s` with `s = sigmoid(z)`, `z = L x + C x^3`, so its derivative is
 * `s + x s (1 - s) z'` with `z' = L + 3 C x^2`.
 */
const gelu: GradientRule = ({ node, ops, dy, x, y }) => {
  const approximate = node.attributes.approximate;
  if (!approximate || !('string' in approximate) || approximate.string !== 'tanh') return undefined;
  const { mul, add, sub, unary: apply, number } = ops;
  const square = mul(x, x);
  const slope = add(mul(square, number(GELU_CUBIC)), number(GELU_LINEAR));
  const gate = apply('Sigmoid', mul(x, slope));
  const inner = add(mul(square, number(3 * GELU_CUBIC)), number(GELU_LINEAR));
  const rest = mul(mul(sub(number(1), gate), inner), mul(dy, y));
  return [add(mul(dy, gate), rest)];
};

/** Derivatives of elementwise operators. */
const elementwiseGradients: GradientTable = {
  Add: binary(
    ({ dy }) => dy,
    ({ dy }) => dy,
  ),
  Sub: binary(
    ({ dy }) => dy,
    ({ dy, ops }) => ops.unary('Neg', dy),
  ),
  Mul: (call) => {
    const [a = '', b = ''] = call.node.inputs;
    const { ops, dy } = call;
    if (a === b) return [ops.mul(dy, ops.mul(a, ops.number(2))), undefined];
    return binary(
      (_, other) => ops.mul(dy, other),
      (_, other) => ops.mul(dy, other),
    )(call);
  },
  Div: binary(
    ({ dy, ops }, b) => ops.div(dy, b),
    ({ dy, ops, y, node }) => ops.unary('Neg', ops.div(ops.mul(dy, y), node.inputs[1] as string)),
  ),
  Neg: unary(({ ops, dy }) => ops.unary('Neg', dy)),
  Identity: unary(({ dy }) => dy),
  Exp: unary(({ ops, dy, y }) => ops.mul(dy, y)),
  Log: unary(({ ops, dy, x }) => ops.div(dy, x)),
  Sqrt: unary(({ ops, dy, y }) => ops.div(ops.mul(dy, ops.number(0.5)), y)),
  Reciprocal: unary(({ ops, dy, y }) => ops.unary('Neg', ops.mul(dy, ops.mul(y, y)))),
  Sin: unary(({ ops, dy, x }) => ops.mul(dy, ops.unary('Cos', x))),
  Cos: unary(({ ops, dy, x }) => ops.unary('Neg', ops.mul(dy, ops.unary('Sin', x)))),
  Tanh: unary(({ ops, dy, y }) => ops.mul(dy, ops.sub(ops.number(1), ops.mul(y, y)))),
  Sigmoid: unary(({ ops, dy, y }) => ops.mul(ops.mul(dy, y), ops.sub(ops.number(1), y))),
  Relu: unary(({ ops, dy, y }) => ops.mul(dy, ops.unary('Sign', y))),
  Gelu: gelu,
  /** `2 / sqrt(pi) exp(-x^2)`. */
  Erf: unary(({ ops, dy, x }) => {
    const bell = ops.unary('Exp', ops.unary('Neg', ops.mul(x, x)));
    return ops.mul(dy, ops.mul(bell, ops.number(2 / Math.sqrt(Math.PI))));
  }),
};

/** Zeros before and after each axis, where a part was cut out. */
function padded({ ops, dy, x }: GradientCall, starts: readonly number[]): string {
  const whole = ops.shape(x);
  const part = ops.shape(dy);
  const after = whole.map((size, i) => size - (part[i] as number) - (starts[i] as number));
  const inputs = [dy, ops.builder.int64s([...starts, ...after]), ops.number(0)];
  return ops.builder.node({ op: 'Pad', inputs, shape: whole });
}

/** The part of dy that starts at `start` of an axis. */
function cut(call: GradientCall, axis: number, start: number, size: number): string {
  const { builder } = call.ops;
  const shape = call.ops.shape(call.dy).with(axis, size);
  const bounds = [[start], [start + size], [axis]].map((values) => builder.int64s(values));
  return builder.node({ op: 'Slice', inputs: [call.dy, ...bounds], shape });
}

function spread(call: GradientCall, scale: number): string {
  const { ops, x, dy } = call;
  const axes = call.integers(1);
  const kept = ops.shape(x).map((size, i) => (axes.includes(i) ? 1 : size));
  const row = ops.reshape(dy, kept);
  const scaled = scale === 1 ? row : ops.mul(row, ops.number(scale));
  return ops.expand(scaled, ops.shape(x));
}

/** Derivatives of operators that move elements or add them up. */
const structureGradients: GradientTable = {
  Reshape: ({ ops, dy, x }) => [ops.reshape(dy, ops.shape(x))],

  Transpose: ({ node, ops, dy }) => {
    const perm = intsAttribute(node, 'perm') ?? [];
    return [
      ops.transpose(
        dy,
        perm.map((_, i) => perm.indexOf(i)),
      ),
    ];
  },

  Expand: ({ ops, dy, x }) => [ops.reduceTo(dy, ops.shape(x))],

  Slice: (call) => {
    if (call.node.inputs.length > 4) return undefined;
    const starts = new Array<number>(call.ops.shape(call.x).length).fill(0);
    call.integers(3).forEach((axis, i) => {
      starts[axis] = call.integers(1)[i] as number;
    });
    return [padded(call, starts)];
  },

  Split: ({ node, ops, dys, x }) => {
    const parts = node.outputs.map((name, i) => dys[i] ?? zeros(name));
    function zeros(name: string): string {
      return ops.expand(ops.number(0), ops.shape(name));
    }
    const shape = ops.shape(x);
    const attributes = node.attributes;
    return [ops.builder.node({ op: 'Concat', inputs: parts, shape, attributes })];
  },

  Concat: (call) => {
    const axis = intAttribute(call.node, 'axis') ?? 0;
    let start = 0;
    return call.node.inputs.map((name, i) => {
      const size = call.ops.shape(name)[axis] as number;
      start += size;
      return call.wants(i) ? cut(call, axis, start - size, size) : undefined;
    });
  },

  Pad: (call) => {
    if (call.node.attributes.mode) return undefined;
    const { builder } = call.ops;
    const shape = call.ops.shape(call.x);
    const starts = call.integers(1).slice(0, shape.length);
    const ends = starts.map((start, i) => start + (shape[i] as number));
    const inputs = [call.dy, builder.int64s(starts), builder.int64s(ends)];
    return [builder.node({ op: 'Slice', inputs, shape })];
  },

  ReduceSum: (call) => [spread(call, 1)],

  ReduceMean: (call) => {
    const sizes = call.integers(1).map((axis) => call.ops.shape(call.x)[axis] as number);
    return [spread(call, 1 / sizes.reduce((a, b) => a * b, 1))];
  },
};

/** Derivatives of products, normalisations and convolutions. */
const networkGradients: GradientTable = {
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

/** Derivatives by the operator. */
export const GRADIENT_RULES: GradientTable = {
  ...elementwiseGradients,
  ...structureGradients,
  ...networkGradients,
};
