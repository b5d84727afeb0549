import type { GraphView, RewriteRule } from '../rewrite-graph.js';
import { bothOrders, factorOf } from './identities.js';

/** `2 sqrt(2 / pi)` and `0.044715` times that: the constants of the tanh form of GELU. */
export const GELU_LINEAR = 2 * Math.sqrt(2 / Math.PI);
export const GELU_CUBIC = 0.044715 * GELU_LINEAR;

/**
 * `x sigmoid(L x + C x^3)`, or the same with tanh, as Gelu. The inner polynomial is recognised by its coefficients,
 * however it is written.
 */
export const geluRule: RewriteRule = (node, view) => {
  if (node.op !== 'Mul') return undefined;
  const x = sigmoidForm(node.inputs, view) ?? tanhForm(node.inputs, view);
  if (x === undefined) return undefined;
  const attributes = { approximate: { string: 'tanh' } };
  const shape = view.shape(x);
  return [view.builder.node({ op: 'Gelu', inputs: [x], shape, attributes })];
};

/** `x sigmoid(x)` as QuickGelu with factor 1. */
export const siluRule: RewriteRule = ({ op, inputs }, view) => {
  if (op !== 'Mul') return undefined;
  const x = sigmoidOperands(inputs, view).find(({ x: factor, z }) => factor === z)?.x;
  if (x === undefined) return undefined;
  const attributes = { alpha: { float: 1 } };
  const shape = view.shape(x);
  const domain = 'com.microsoft';
  return [view.builder.node({ op: 'QuickGelu', domain, inputs: [x], shape, attributes })];
};

function sigmoidForm(inputs: readonly string[], view: GraphView): string | undefined {
  return sigmoidOperands(inputs, view).find(({ x, z }) => isGelu(polynomialOf(z, x, view), 1))?.x;
}

/** The ways to read a product as `x sigmoid(z)`. */
function sigmoidOperands(inputs: readonly string[], view: GraphView) {
  return bothOrders(inputs).flatMap(([x, gate]) => {
    const z = view.producer(gate, 'Sigmoid')?.inputs[0];
    return z === undefined ? [] : [{ x, z }];
  });
}

/** `x / 2 (1 + tanh(z))`, with the factor on either side. */
function tanhForm(inputs: readonly string[], view: GraphView): string | undefined {
  for (const [left, right] of bothOrders(inputs)) {
    const z = onePlusTanh(right, view);
    const half = factorOf(view.producer(left, 'Mul'), view);
    if (z === undefined || half?.factor !== 0.5) continue;
    if (isGelu(polynomialOf(z, half.x, view), 0.5)) return half.x;
  }
  return undefined;
}

function onePlusTanh(name: string, view: GraphView): string | undefined {
  const [a = '', b = ''] = view.producer(name, 'Add')?.inputs ?? [];
  const tanh = view.number(a) === 1 ? b : view.number(b) === 1 ? a : '';
  return view.producer(tanh, 'Tanh')?.inputs[0];
}

/** @param scale 1 inside a sigmoid, 1/2 inside a tanh */
function isGelu(polynomial: Polynomial | undefined, scale: number): boolean {
  if (!polynomial) return false;
  const [constant, linear, square, cubic] = polynomial;
  if (constant !== 0 || square !== 0) return false;
  return close(linear, scale * GELU_LINEAR) && close(cubic, scale * GELU_CUBIC);
}

function close(a: number, b: number): boolean {
  return Math.abs(a - b) <= 1e-6 * Math.abs(b);
}

/** Coefficients of the powers of x in a value, up to the cube. */
type Polynomial = readonly [number, number, number, number];

const POLYNOMIAL_OPS = ['Add', 'Mul', 'Pow'];

function polynomialOf(name: string, x: string, view: GraphView): Polynomial | undefined {
  if (name === x) return [0, 1, 0, 0];
  const number = view.number(name);
  if (number !== undefined) return [number, 0, 0, 0];
  const node = view.producer(name, ...POLYNOMIAL_OPS);
  const [left = '', right = ''] = node?.inputs ?? [];
  const a = node && polynomialOf(left, x, view);
  const b = node && polynomialOf(right, x, view);
  if (!a || !b) return undefined;
  if (node.op === 'Add') return a.map((c, i) => c + (b[i] as number)) as unknown as Polynomial;
  if (node.op === 'Mul') return multiply(a, b);
  return power(a, b);
}

function multiply(a: Polynomial, b: Polynomial): Polynomial | undefined {
  const product = new Array<number>(7).fill(0);
  a.forEach((c, i) => {
    b.forEach((d, j) => {
      product[i + j] = (product[i + j] as number) + c * d;
    });
  });
  const fits = product.slice(4).every((c) => c === 0);
  return fits ? (product.slice(0, 4) as unknown as Polynomial) : undefined;
}

function power(base: Polynomial, exponent: Polynomial): Polynomial | undefined {
  const [n, ...rest] = exponent;
  if (rest.some((c) => c !== 0) || ![1, 2, 3].includes(n)) return undefined;
  let result: Polynomial | undefined = base;
  for (let i = 1; i < n && result; i++) result = multiply(result, base);
  return result;
}
