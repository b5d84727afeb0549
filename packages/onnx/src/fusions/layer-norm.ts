import { sameShape } from '../graph.js';
import { graphOps } from '../graph-ops.js';
import type { GraphView, RewriteRule } from '../rewrite-graph.js';
import { bothOrders } from './identities.js';

/**
 * `(x - mean) / sqrt(variance + epsilon)` over the last axis as LayerNormalization without scale and shift. Recognised
 * from its ops: mean, sub, square, mean, add, and rsqrt with mul or sqrt with div.
 */
export const layerNormRule: RewriteRule = ({ op, inputs, outputs: [y = ''] }, view) => {
  const pairs = op === 'Mul' ? bothOrders(inputs) : op === 'Div' ? [inputs] : [];
  for (const [centred = '', scale = ''] of pairs) {
    const deviation = op === 'Mul' ? view.producer(scale, 'Reciprocal')?.inputs[0] : scale;
    const found = normalisation({ centred, deviation, view, meanOf: lastAxisMeanOf });
    if (found) {
      const ones = view.builder.constant(onesOf(view.shape(y)), view.shape(y).slice(-1), 'float32');
      return layerNorm(view, [found.x, ones], found.epsilon).slice(0, 1);
    }
  }
  return undefined;
};

/** A layer norm that is multiplied, then shifted, by vectors or by one row for each sample, in one operator. */
export const modulatedLayerNormRule: RewriteRule = ({ op, inputs, outputs: [y = ''] }, view) => {
  if (op !== 'Add') return undefined;
  for (const [product, shift] of bothOrders(inputs)) {
    for (const [normal, scale] of bothOrders(view.producer(product, 'Mul')?.inputs)) {
      const norm = view.producer(normal, 'LayerNormalization');
      const shape = view.shape(y);
      if (!norm || !isPlain(norm.inputs, view) || !sameShape(view.shape(normal), shape)) continue;
      if (!isPerSample(scale, shape, view) || !isPerSample(shift, shape, view)) continue;
      // A vector beside rows is none of ONNX Runtime's cases.
      if (!sameShape(view.shape(scale), view.shape(shift))) continue;
      const epsilon = norm.attributes.epsilon as { readonly float: number };
      const all = [norm.inputs[0] as string, scale, shift];
      return layerNorm(view, all, epsilon.float).slice(0, 1);
    }
  }
  return undefined;
};

/** The opposite: a scale and shift for each sample as a product and a sum, for engines that know vectors only. */
export const splitLayerNormRule: RewriteRule = (node, view) => {
  const { op, inputs, outputs, attributes } = node;
  const [x = '', scale = '', shift] = inputs;
  if (op !== 'LayerNormalization' || view.shape(scale).length === 1) return undefined;
  const shape = view.shape(x);
  const ones = view.builder.constant(onesOf(shape), shape.slice(-1), 'float32');
  const epsilon = attributes.epsilon as { readonly float: number };
  const [normal = '', ...statistics] = layerNorm(view, [x, ones], epsilon.float);
  const { add, mul } = graphOps(view.builder);
  const product = mul(normal, scale);
  const y = shift === undefined ? product : add(product, shift);
  return [y, ...statistics].slice(0, outputs.length);
};

interface Normalisation {
  readonly centred: string;
  readonly deviation: string | undefined;
  readonly view: GraphView;
  /** What a value is the mean of, over the axes that are normalised. */
  readonly meanOf: (name: string, view: GraphView) => string | undefined;
}

/** x and epsilon, where `centred` is `x - mean` and `deviation` is `sqrt(variance + epsilon)`. */
export function normalisation({ centred, deviation = '', view, meanOf }: Normalisation) {
  const [x, average] = view.producer(centred, 'Sub')?.inputs ?? [];
  const shifted = view.producer(view.producer(deviation, 'Sqrt')?.inputs[0] ?? '', 'Add');
  if (x === undefined || average === undefined || !shifted) return undefined;
  const [variance, epsilon] = numberLast(shifted.inputs, view);
  const [a, b] = view.producer(meanOf(variance, view) ?? '', 'Mul')?.inputs ?? [];
  if (epsilon === undefined || a !== centred || b !== centred) return undefined;
  return meanOf(average, view) === x ? { x, epsilon } : undefined;
}

/** What is averaged over the last axis, which is kept. */
function lastAxisMeanOf(name: string, view: GraphView): string | undefined {
  const mean = view.producer(name, 'ReduceMean');
  const axes = view.integers(mean?.inputs[1]);
  const x = mean?.inputs[0];
  if (x === undefined || axes?.length !== 1) return undefined;
  const rank = view.shape(x).length;
  const kept = view.shape(name).length === rank;
  return kept && ((axes[0] as number) + rank) % rank === rank - 1 ? x : undefined;
}

function numberLast([a = '', b = '']: readonly string[], view: GraphView) {
  const [left, right] = [view.number(a), view.number(b)];
  return right !== undefined ? ([a, right] as const) : ([b, left] as const);
}

/** The result of a LayerNormalization, and the mean and inverse deviation of each row, which its derivative needs. */
function layerNorm(view: GraphView, inputs: readonly string[], epsilon: number): string[] {
  const shape = view.shape(inputs[0] as string);
  const rows = { shape: [...shape.slice(0, -1), 1] };
  return view.builder.nodes({
    op: 'LayerNormalization',
    inputs,
    results: [{ shape }, rows, rows],
    attributes: { axis: { int: -1 }, epsilon: { float: epsilon } },
  });
}

/** Leaves the statistics out where nobody reads them. */
export const leanLayerNormRule: RewriteRule = (node, view) => {
  const { op, inputs, outputs, attributes } = node;
  const [y = '', ...statistics] = outputs;
  if (op !== 'LayerNormalization' || statistics.length === 0) return undefined;
  if (statistics.some((name) => view.uses(name) > 0)) return undefined;
  return [view.builder.node({ op, inputs, shape: view.shape(y), attributes })];
};

function onesOf(shape: readonly number[]): Float32Array {
  return new Float32Array(shape.at(-1) as number).fill(1);
}

function isPlain([, scale = '', shift]: readonly string[], view: GraphView): boolean {
  return shift === undefined && view.number(scale) === 1;
}

/** Whether a value is a vector over the last axis, or such a vector for each sample: `[D]`, `[1, 1, D]`, `[B, 1, D]`. */
function isPerSample(name: string, shape: readonly number[], view: GraphView): boolean {
  const own = view.shape(name);
  const width = shape.at(-1);
  if (own.at(-1) !== width) return false;
  if (own.length === 1) return true;
  if (own.length !== shape.length || shape.length !== 3) return false;
  return own[1] === 1 && (own[0] === 1 || own[0] === shape[0]);
}
