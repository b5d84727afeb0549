import { type GraphNode, sameShape } from '../graph.js';
import type { GraphView, RewriteRule } from '../rewrite-graph.js';

/** `2 sqrt(2 / pi)` and `0.044715` times that: the constants of the tanh form of GELU. */
export const GELU_LINEAR = 2 * Math.sqrt(2 / Math.PI);
export const GELU_CUBIC = 0.044715 * GELU_LINEAR;

/** `x sigmoid(L x + C x^3)` as Gelu, however it is written: with tanh, with powers or with products. */
export const geluRule: RewriteRule = (node, view) => {
  const x = argumentOf(node, (at) => at * sigmoid(GELU_LINEAR * at + GELU_CUBIC * at ** 3), view);
  if (x === undefined) return undefined;
  const attributes = { approximate: { string: 'tanh' } };
  const shape = view.shape(x);
  return [view.builder.node({ op: 'Gelu', inputs: [x], shape, attributes })];
};

/** `x sigmoid(x)` as QuickGelu with factor 1. */
export const siluRule: RewriteRule = (node, view) => {
  const x = argumentOf(node, (at) => at * sigmoid(at), view);
  if (x === undefined) return undefined;
  const attributes = { alpha: { float: 1 } };
  const shape = view.shape(x);
  const domain = 'com.microsoft';
  return [view.builder.node({ op: 'QuickGelu', domain, inputs: [x], shape, attributes })];
};

/** Where functions are compared: to be equal at all of these is to be the same, for functions that networks have. */
const POINTS = [0, -1, 1, -2, 2, 0.3, -3.1, 4.2];

/** The x of which a product is `f(x)`: a factor of it, or of a factor, as in `(x / 2) (1 + tanh z)`. */
function argumentOf(
  product: GraphNode,
  f: (at: number) => number,
  view: GraphView,
): string | undefined {
  if (product.op !== 'Mul') return undefined;
  const factors = product.inputs.flatMap((name) => [
    name,
    ...(view.producer(name, 'Mul')?.inputs ?? []),
  ]);
  const shape = view.shape(product.outputs[0] as string);
  return factors.find(
    (x) =>
      sameShape(view.shape(x), shape) &&
      POINTS.every((at) => close(apply(product, { x, at, view }), f(at))),
  );
}

function close(a: number | undefined, b: number): boolean {
  return a !== undefined && Math.abs(a - b) <= 1e-5 * Math.abs(b);
}

const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z));

/** The operators of which such functions are made. */
const OPERATORS: Readonly<Record<string, (a: number, b: number) => number>> = {
  Add: (a, b) => a + b,
  Mul: (a, b) => a * b,
  Pow: (a, b) => a ** b,
  Sigmoid: sigmoid,
  Tanh: Math.tanh,
};

interface Point {
  /** The name of a value, and what number it shall be. */
  readonly x: string;
  readonly at: number;
  readonly view: GraphView;
}

/** The number that a node makes if x is a number; undefined if it is made of anything else than x and constants. */
function apply({ op, inputs }: GraphNode, point: Point): number | undefined {
  const operands: number[] = [];
  for (const name of inputs) {
    const operand = numberOf(name, point);
    if (operand === undefined) return undefined;
    operands.push(operand);
  }
  const [a = 0, b = 0] = operands;
  return OPERATORS[op]?.(a, b);
}

function numberOf(name: string, point: Point): number | undefined {
  if (name === point.x) return point.at;
  const node = point.view.producer(name, ...Object.keys(OPERATORS));
  return node ? apply(node, point) : point.view.number(name);
}
