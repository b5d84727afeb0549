import { backend_util, type DataType, type TensorInfo } from '@tensorflow/tfjs-core';
import { ELEMENT_TYPES, type GraphDType, sameShape } from '../graph.js';
import { elementsOf, type TraceBackend } from '../trace-backend.js';
import { input, type KernelCall, type KernelTable, type TraceKernel } from './kernel.js';

/** A unary kernel that is one ONNX operator; `fold` computes it for known numbers. */
function unary(op: string, fold?: (x: number) => number, dtype?: DataType): TraceKernel {
  return (call) => {
    const x = input(call, 'x');
    const known = fold && call.trace.known(x);
    const elements = known && elementsOf(known, x.shape);
    if (elements) {
      const values = elements.map((value) => fold(value));
      return call.trace.constant({ values }, x.shape, dtype ?? x.dtype);
    }
    return call.trace.emit({ op, inputs: [x], shape: x.shape, dtype: dtype ?? x.dtype });
  };
}

/** One ONNX operator over two broadcast tensors; `fold` computes it for known numbers. */
function binary(
  op: string,
  fold?: (a: number, b: number) => number,
  dtype?: DataType,
): TraceKernel {
  return (call) => {
    const [a, b] = [input(call, 'a'), input(call, 'b')];
    return applyBinary({ trace: call.trace, op, fold, a, b, dtype: dtype ?? a.dtype });
  };
}

interface BinaryOptions {
  readonly trace: TraceBackend;
  readonly op: string;
  readonly a: TensorInfo;
  readonly b: TensorInfo;
  readonly dtype: DataType;
  readonly fold?: ((a: number, b: number) => number) | undefined;
}

function applyBinary(options: BinaryOptions): TensorInfo {
  const { trace, op, a, b, dtype } = options;
  const shape = backend_util.assertAndGetBroadcastShape(a.shape, b.shape);
  const folded = foldBinary(options, shape);
  if (folded) return folded;
  const [left, right] = [operand(trace, a), operand(trace, b)];
  const actual = backend_util.assertAndGetBroadcastShape(left.shape, right.shape);
  const result = trace.emit({ op, inputs: [left, right], shape: actual, dtype });
  return sameShape(actual, shape) ? result : expand(trace, result, shape);
}

/** Works the operation out now if both sides are uniform, or small and of equal shape. */
function foldBinary(options: BinaryOptions, shape: readonly number[]): TensorInfo | undefined {
  const { trace, fold, a, b, dtype } = options;
  const [left, right] = [trace.known(a), trace.known(b)];
  if (!fold || !left || !right) return undefined;
  const [x, y] = [elementsOf(left, a.shape), elementsOf(right, b.shape)];
  if (x?.length === 1 || y?.length === 1 || sameShape(a.shape, b.shape)) {
    if (!x || !y) return undefined;
    const values = Array.from({ length: Math.max(x.length, y.length) }, (_, i) =>
      fold(x[x.length === 1 ? 0 : i] as number, y[y.length === 1 ? 0 : i] as number),
    );
    return trace.constant({ values }, shape, dtype);
  }
  return undefined;
}

/** A uniform tensor joins an elementwise operation as a number without dimensions. */
function operand(trace: TraceBackend, tensor: TensorInfo): TensorInfo {
  const known = trace.known(tensor);
  return known && 'uniform' in known
    ? trace.constant({ values: [known.uniform] }, [], tensor.dtype)
    : tensor;
}

/** Broadcasts a tensor to a shape of at least its rank. */
function expand(trace: TraceBackend, x: TensorInfo, shape: readonly number[]): TensorInfo {
  const inputs = [x, trace.graph.int64s(shape)];
  return trace.emit({ op: 'Expand', inputs, shape, dtype: x.dtype });
}

/** Operators over tensors and numbers, for kernels that take several steps. Numbers take the first tensor's type. */
export function arithmetic(trace: TraceBackend) {
  const apply =
    (op: string, dtype?: DataType) =>
    (a: TensorInfo, b: TensorInfo | number): TensorInfo => {
      const other = typeof b === 'number' ? trace.constant({ values: [b] }, [], a.dtype) : b;
      return applyBinary({ trace, op, a, b: other, dtype: dtype ?? a.dtype });
    };
  return {
    add: apply('Add'),
    sub: apply('Sub'),
    mul: apply('Mul'),
    div: apply('Div'),
    equal: apply('Equal', 'bool'),
    greater: apply('Greater', 'bool'),
    greaterOrEqual: apply('GreaterOrEqual', 'bool'),
    or: apply('Or', 'bool'),
    unary: (op: string, x: TensorInfo, dtype: DataType = x.dtype): TensorInfo =>
      trace.emit({ op, inputs: [x], shape: x.shape, dtype }),
    where: (condition: TensorInfo, a: TensorInfo, b: TensorInfo): TensorInfo =>
      trace.emit({
        op: 'Where',
        inputs: [condition, a, b],
        shape: [a, b].reduce(
          (shape, x) => backend_util.assertAndGetBroadcastShape(shape, x.shape),
          condition.shape,
        ),
        dtype: a.dtype,
      }),
    number: (value: number, dtype: DataType = 'float32'): TensorInfo =>
      trace.constant({ values: [value] }, [], dtype),
  };
}

/** Converts elements: to integers by truncation, to booleans by comparison with zero. */
export function cast(trace: TraceBackend, x: TensorInfo, dtype: DataType): TensorInfo {
  if (x.dtype === dtype) return trace.alias(x);
  const known = trace.known(x);
  if (known) {
    const convert = CONVERSIONS[dtype] ?? ((value: number) => value);
    if ('uniform' in known)
      return trace.constant({ uniform: convert(known.uniform) }, x.shape, dtype);
    const values = Array.from(known.values, (value) => convert(Number(value)));
    return trace.constant({ values }, x.shape, dtype);
  }
  const to = { int: ELEMENT_TYPES[dtype as GraphDType].code };
  return trace.emit({ op: 'Cast', inputs: [x], shape: x.shape, dtype, attributes: { to } });
}

const CONVERSIONS: Partial<Record<DataType, (value: number) => number>> = {
  int32: Math.trunc,
  bool: (value) => (value ? 1 : 0),
};

const truth = (condition: boolean): number => (condition ? 1 : 0);

function clip(call: KernelCall, low: number, high: number): TensorInfo {
  const x = input(call, 'x');
  const { number } = arithmetic(call.trace);
  const inputs = [x, number(low, x.dtype), number(high, x.dtype)];
  return call.trace.emit({ op: 'Clip', inputs, shape: x.shape, dtype: x.dtype });
}

/** Leaves integers as they are, for rounding kernels. */
function rounding(op: string, fold: (x: number) => number): TraceKernel {
  const kernel = unary(op, fold);
  return (call) =>
    input(call, 'x').dtype === 'float32' ? kernel(call) : call.trace.alias(input(call, 'x'));
}

/** Elementwise kernels of one tensor. */
export const unaryKernels: KernelTable = {
  Abs: unary('Abs', Math.abs),
  Acos: unary('Acos', Math.acos),
  Acosh: unary('Acosh', Math.acosh),
  Asin: unary('Asin', Math.asin),
  Asinh: unary('Asinh', Math.asinh),
  Atan: unary('Atan', Math.atan),
  Atanh: unary('Atanh', Math.atanh),
  Ceil: rounding('Ceil', Math.ceil),
  Cos: unary('Cos', Math.cos),
  Cosh: unary('Cosh', Math.cosh),
  Elu: unary('Elu'),
  Erf: unary('Erf'),
  Exp: unary('Exp', Math.exp),
  Floor: rounding('Floor', Math.floor),
  IsInf: unary('IsInf', undefined, 'bool'),
  IsNan: unary('IsNaN', undefined, 'bool'),
  Log: unary('Log', Math.log),
  LogicalNot: unary('Not', (x) => truth(!x), 'bool'),
  Neg: unary('Neg', (x) => -x),
  Reciprocal: unary('Reciprocal', (x) => 1 / x),
  Relu: unary('Relu', (x) => Math.max(0, x)),
  Round: rounding('Round', roundHalfToEven),
  Selu: unary('Selu'),
  Sigmoid: unary('Sigmoid', (x) => 1 / (1 + Math.exp(-x))),
  Sign: unary('Sign', Math.sign),
  Sin: unary('Sin', Math.sin),
  Sinh: unary('Sinh', Math.sinh),
  Softplus: unary('Softplus'),
  Sqrt: unary('Sqrt', Math.sqrt),
  Tan: unary('Tan', Math.tan),
  Tanh: unary('Tanh', Math.tanh),
  Cast: (call) => cast(call.trace, input(call, 'x'), call.attrs.dtype),
  ClipByValue: (call) => clip(call, call.attrs.clipValueMin, call.attrs.clipValueMax),
  Relu6: (call) => clip(call, 0, 6),
  Expm1: (call) => {
    const { unary: apply, sub } = arithmetic(call.trace);
    return sub(apply('Exp', input(call, 'x')), 1);
  },
  Log1p: (call) => {
    const { unary: apply, add } = arithmetic(call.trace);
    return apply('Log', add(input(call, 'x'), 1));
  },
  Rsqrt: (call) => {
    const { unary: apply } = arithmetic(call.trace);
    return apply('Reciprocal', apply('Sqrt', input(call, 'x')));
  },
  Square: (call) => arithmetic(call.trace).mul(input(call, 'x'), input(call, 'x')),
  Step: (call) => {
    const { where, greater, number, unary: apply, add } = arithmetic(call.trace);
    const x = input(call, 'x');
    const stepped = where(greater(x, 0), number(1), number(call.attrs.alpha ?? 0));
    // NaN stays NaN, as on the other backends.
    return where(apply('IsNaN', x, 'bool'), add(x, 0), stepped);
  },
  IsFinite: (call) => {
    const { or, unary: apply } = arithmetic(call.trace);
    const x = input(call, 'x');
    return apply('Not', or(apply('IsNaN', x, 'bool'), apply('IsInf', x, 'bool')));
  },
  LeakyRelu: (call) => {
    const x = input(call, 'x');
    const attributes = { alpha: { float: call.attrs.alpha } };
    return call.trace.emit({ op: 'LeakyRelu', inputs: [x], shape: x.shape, attributes });
  },
};

/** Elementwise kernels of two or more tensors, with NumPy broadcasting. */
export const binaryKernels: KernelTable = {
  Add: binary('Add', (a, b) => a + b),
  Sub: binary('Sub', (a, b) => a - b),
  Multiply: binary('Mul', (a, b) => a * b),
  RealDiv: binary('Div', (a, b) => a / b),
  Pow: binary('Pow', Math.pow),
  Maximum: binary('Max', Math.max),
  Minimum: binary('Min', Math.min),
  Equal: binary('Equal', (a, b) => truth(a === b), 'bool'),
  Greater: binary('Greater', (a, b) => truth(a > b), 'bool'),
  GreaterEqual: binary('GreaterOrEqual', (a, b) => truth(a >= b), 'bool'),
  Less: binary('Less', (a, b) => truth(a < b), 'bool'),
  LessEqual: binary('LessOrEqual', (a, b) => truth(a <= b), 'bool'),
  LogicalAnd: binary('And', (a, b) => a & b, 'bool'),
  LogicalOr: binary('Or', (a, b) => a | b, 'bool'),
  NotEqual: (call) => {
    const { equal, unary: apply } = arithmetic(call.trace);
    return apply('Not', equal(input(call, 'a'), input(call, 'b')));
  },
  SquaredDifference: (call) => {
    const { sub, mul } = arithmetic(call.trace);
    const difference = sub(input(call, 'a'), input(call, 'b'));
    return mul(difference, difference);
  },
  FloorDiv: (call) => {
    const { div, unary: apply } = arithmetic(call.trace);
    const [a, b] = [input(call, 'a'), input(call, 'b')].map((x) => cast(call.trace, x, 'float32'));
    const quotient = apply('Floor', div(a as TensorInfo, b as TensorInfo));
    return cast(call.trace, quotient, 'int32');
  },
  /** The remainder takes the sign of the divisor. */
  Mod: (call) => {
    const { div, mul, sub, unary: apply } = arithmetic(call.trace);
    const [a, b] = [input(call, 'a'), input(call, 'b')];
    const quotient = div(cast(call.trace, a, 'float32'), cast(call.trace, b, 'float32'));
    return sub(a, mul(cast(call.trace, apply('Floor', quotient), a.dtype), b));
  },
  AddN: ({ trace, inputs }) => Object.values(inputs).reduce((a, b) => arithmetic(trace).add(a, b)),
  Select: (call) =>
    arithmetic(call.trace).where(input(call, 'condition'), input(call, 't'), input(call, 'e')),
  Prelu: (call) => {
    const { greaterOrEqual, where, mul } = arithmetic(call.trace);
    const [x, alpha] = [input(call, 'x'), input(call, 'alpha')];
    return where(greaterOrEqual(x, 0), x, mul(x, alpha));
  },
  EluGrad: (call) => {
    const { greaterOrEqual, where, mul, add } = arithmetic(call.trace);
    const [dy, y] = [input(call, 'dy'), input(call, 'y')];
    return where(greaterOrEqual(y, 0), dy, mul(dy, add(y, 1)));
  },
};

function roundHalfToEven(x: number): number {
  const rounded = Math.round(x);
  return rounded - x === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}
