import { UnsupportedError } from '@harmonica/core';
import { differentiate } from './differentiate.js';
import { simplifyGraph } from './fuse-graph.js';
import { type GraphNode, pruneGraph, sizeOf, type TracedGraph } from './graph.js';
import { GraphBuilder } from './graph-builder.js';
import { type GraphOps, graphOps } from './graph-ops.js';
import { prefixed, type StreamLayout, unprefixed } from './stream-names.js';

/**
 * The way back through a branch, from its parts as `traceParts` records them. With G the derivative by the output that
 * was joined, f what the branch computes and p what was predicted:
 *
 *     gradient = (derivative of the merge by the state) + score * (derivative of <G, f> by the state)
 *     score    = <G, f - p>
 *
 * Inputs: the stream, `upstream.*`, `score`, and the history that p needs. Results: `gradient.*` and `score`. f itself is
 * not computed to its end: see {@link innerProduct}.
 *
 * @throws {@link UnsupportedError} if an operator has no derivative here, or the merge is not linear in the output
 */
export function deriveVjp(parts: TracedGraph, layout: StreamLayout): TracedGraph {
  const forward = simplifyGraph(parts);
  const builder = GraphBuilder.from(forward);
  const ops = graphOps(builder);
  const results = outputValues(forward);
  const upstream = upstreamInputs(builder, layout);
  const score = builder.input({ name: 'score', shape: [], dtype: 'float32' });
  const states = Object.keys(prefixed('state', layout.state));
  const seeds = Object.entries(unprefixed('state', results)).map(
    ([name, value]) => [value, upstream[name] as string] as const,
  );
  const { nodes } = forward;
  const direct = differentiate({ builder, nodes, seeds, by: ['joined', ...states] });
  const joined = direct.get('joined') ?? ops.mul(results.computed as string, ops.number(0));
  const computed = differentiate({
    builder,
    nodes,
    seeds: [[results.computed as string, joined]],
    by: states,
  });
  const gradients = states.map((name) => {
    const through = computed.get(name);
    const terms = [direct.get(name), through && scaled(builder, through, score)];
    return [name.replace('state.', 'gradient.'), total(ops, terms) ?? zeros(builder, layout, name)];
  });
  const f = innerProduct({ ops, nodes, gradients: computed }, results.computed as string);
  const p = results.predicted && dot(ops, joined, results.predicted);
  const graph = pruneGraph(
    builder.build({ ...Object.fromEntries(gradients), score: p ? ops.sub(f, p) : f }),
  );
  if (graph.inputs.some(({ name }) => name === 'joined')) {
    throw new UnsupportedError({ feature: 'a merge that is not linear', engine: 'onnx' });
  }
  return graph;
}

/**
 * The way back through the end: the stream and `upstream` to `gradient.*`.
 *
 * @throws {@link UnsupportedError} if an operator has no derivative here
 */
export function deriveEndVjp(end: TracedGraph, layout: StreamLayout): TracedGraph {
  const forward = simplifyGraph(end);
  const builder = GraphBuilder.from(forward);
  const [output] = forward.outputs;
  const { value = '', shape = [] } = output ?? {};
  const upstream = builder.input({ name: 'upstream', shape, dtype: 'float32' });
  const by = Object.keys(prefixed('state', layout.state));
  const { nodes } = forward;
  const found = differentiate({ builder, nodes, seeds: [[value, upstream]], by });
  const gradients = by.map((name) => [
    name.replace('state.', 'gradient.'),
    found.get(name) ?? zeros(builder, layout, name),
  ]);
  return pruneGraph(builder.build(Object.fromEntries(gradients)));
}

function outputValues({ outputs }: TracedGraph): Record<string, string> {
  return Object.fromEntries(outputs.map(({ name, value }) => [name, value]));
}

function upstreamInputs(builder: GraphBuilder, { state }: StreamLayout): Record<string, string> {
  const inputs = Object.entries(state).map(([name, { shape }]) => [
    name,
    builder.input({ name: `upstream.${name}`, shape, dtype: 'float32' }),
  ]);
  return Object.fromEntries(inputs);
}

interface Differentiated {
  readonly ops: GraphOps;
  readonly nodes: readonly GraphNode[];
  /** Derivatives by every value on the way. */
  readonly gradients: ReadonlyMap<string, string>;
}

/**
 * `<G, y>` for a value y with derivative G, without computing the last linear steps of y: for `y = a W + b` it is
 * `<G W^T, a> + <G, b>`, and `G W^T`, the derivative by a, is there already. It saves the last matrix product of the
 * branch.
 */
function innerProduct(given: Differentiated, y: string): string {
  const { ops, nodes, gradients } = given;
  const node = nodes.find(({ outputs }) => outputs.includes(y));
  const gradient = gradients.get(y) as string;
  const active = node?.inputs.filter((name) => gradients.has(name)) ?? [];
  const [first] = active;
  const linear = node && LINEAR.includes(node.op) && active.length === 1;
  if (!linear || first === undefined) return dot(ops, gradient, y);
  const through = innerProduct(given, first);
  if (node.op !== 'Add') return through;
  const other = node.inputs.find((name) => name !== first) as string;
  return ops.add(through, dot(ops, ops.reduceTo(gradient, ops.shape(other)), other));
}

/** Operators that are linear in one operand when the others are fixed; Add is affine. */
const LINEAR = ['Add', 'MatMul', 'Reshape', 'Transpose'];

/** The sum of all products of elements. */
function dot(ops: GraphOps, a: string, b: string): string {
  const product = ops.mul(a, b);
  const axes = ops.shape(product).map((_, axis) => axis);
  return ops.reshape(ops.reduce('ReduceSum', product, axes), []);
}

function total(ops: GraphOps, terms: readonly (string | undefined)[]): string | undefined {
  const [first, ...others] = terms.filter((term) => term !== undefined);
  return first && others.reduce((a, b) => ops.add(a, b), first);
}

/**
 * The derivative by a tensor of the state that nothing depends on. A product, because its shape may leave the batch size
 * open where a constant's cannot.
 */
function zeros(builder: GraphBuilder, { state }: StreamLayout, name: string): string {
  const ops = graphOps(builder);
  const { shape = [] } = state[name.replace('state.', '')] ?? {};
  const input = builder.has(name) ? name : builder.input({ name, shape, dtype: 'float32' });
  return ops.mul(input, ops.number(0));
}

/** `x * factor` for a number without dimensions, without a pass over memory where that can be had. */
function scaled(builder: GraphBuilder, x: string, factor: string): string {
  return absorbed(builder, x, factor) ?? graphOps(builder).mul(x, factor);
}

/** `x * factor`, if x is a sum of small terms and of products with a small operand, which can take the factor. */
function absorbed(
  builder: GraphBuilder,
  x: string,
  factor: string,
  whole: number = sizeOf(builder.shape(x)),
): string | undefined {
  const ops = graphOps(builder);
  const isSmall = (name: string | undefined) => !!name && sizeOf(ops.shape(name)) < whole;
  if (isSmall(x)) return ops.mul(x, factor);
  const node = builder.nodesFrom(0).find(({ outputs }) => outputs[0] === x);
  const [a = '', b = ''] = node?.inputs ?? [];
  if (node?.op === 'Mul' && isSmall(a)) return ops.mul(ops.mul(a, factor), b);
  if (node?.op === 'Mul' && isSmall(b)) return ops.mul(a, ops.mul(b, factor));
  if (node?.op !== 'Add') return undefined;
  const [first, second] = [a, b].map((term) => absorbed(builder, term, factor, whole));
  return first && second && ops.add(first, second);
}
