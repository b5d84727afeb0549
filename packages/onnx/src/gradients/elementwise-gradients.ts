import { GELU_CUBIC, GELU_LINEAR } from '../fusions/gelu.js';
import type { GradientCall, GradientRule, GradientTable } from './gradient-rule.js';

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
export const elementwiseGradients: GradientTable = {
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
