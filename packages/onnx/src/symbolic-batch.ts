import { canonicalInside } from './canonical-graph.js';
import type { GraphConstant, GraphNode, GraphValue, TracedGraph } from './graph.js';

/** The two batch sizes at which a graph is traced to see what depends on the batch. */
export const PROBE_BATCHES = [2, 3] as const;

/**
 * One graph for every batch size, from the same function traced at each of {@link PROBE_BATCHES}: dimensions that differ
 * become `-k`, which stands for k times the batch size, and shapes to which tensors are brought leave them open.
 *
 * @returns the graph, with canonical names inside, or undefined if more than shapes depends on the batch size
 */
export function symbolicBatch(atSmall: TracedGraph, atLarge: TracedGraph): TracedGraph | undefined {
  const [small, large] = [canonicalInside(atSmall), canonicalInside(atLarge)];
  if (!sameStructure(small, large)) return undefined;
  const values = new Map<string, GraphValue>();
  for (const [name, value] of small.values) {
    const other = large.values.get(name);
    const shape = other && openShape(value.shape, other.shape);
    if (!shape) return undefined;
    values.set(name, { ...value, shape });
  }
  const constants: GraphConstant[] = [];
  for (const [i, constant] of small.constants.entries()) {
    const other = large.constants[i] as GraphConstant;
    const open = sameValues(constant, other)
      ? constant
      : openTarget(constant, other, small, values);
    if (!open) return undefined;
    constants.push(open);
  }
  const open = <T extends GraphValue>(value: T, name = value.name): T => ({
    ...value,
    shape: values.get(name)?.shape ?? value.shape,
  });
  return {
    inputs: small.inputs.map((input) => open(input)),
    weights: small.weights,
    constants,
    nodes: small.nodes,
    outputs: small.outputs.map((output) => open(output, output.value)),
    values,
  };
}

/** The shape at a batch size. */
export function shapeAt(shape: readonly number[], batch: number): number[] {
  return shape.map((size) => (size < 0 ? -size * batch : size));
}

function sameStructure(a: TracedGraph, b: TracedGraph): boolean {
  const wiring = ({ inputs, weights, constants, nodes, outputs }: TracedGraph) =>
    JSON.stringify([
      [inputs, weights, constants].map((values) => values.map(({ name, dtype }) => [name, dtype])),
      nodes,
      outputs.map(({ name, value }) => [name, value]),
    ]);
  return (
    wiring(a) === wiring(b) &&
    a.weights.every(({ dataId, shape }, i) => {
      return dataId === b.weights[i]?.dataId && shape.join() === b.weights[i]?.shape.join();
    })
  );
}

function openShape(a: readonly number[], b: readonly number[]): number[] | undefined {
  if (a.length !== b.length) return undefined;
  const [small, large] = PROBE_BATCHES;
  const shape = a.map((size, i) => {
    if (size === b[i]) return size;
    const perSample = size / small;
    return perSample * large === b[i] ? -perSample : Number.NaN;
  });
  return shape.every((size) => Number.isInteger(size)) ? shape : undefined;
}

function sameValues(a: GraphConstant, b: GraphConstant): boolean {
  if (a.shape.join() !== b.shape.join()) return false;
  return a.values.every((value: number | bigint, i: number) => Object.is(value, b.values[i]));
}

/** The target shape of reshapes with its one dimension that depends on the batch left open. */
function openTarget(
  constant: GraphConstant,
  other: GraphConstant,
  graph: TracedGraph,
  values: ReadonlyMap<string, GraphValue>,
): GraphConstant | undefined {
  const users = graph.nodes.filter(({ inputs }) => inputs.includes(constant.name));
  if (constant.dtype !== 'int64' || constant.values.length !== other.values.length)
    return undefined;
  const dimensions = Array.from(constant.values, Number);
  const changed = dimensions.flatMap((size, i) => (size === Number(other.values[i]) ? [] : [i]));
  const asReshape = users.every(({ op }) => op === 'Reshape') && changed.length === 1;
  const asExpand = users.every((node) => isBatchBefore(node, changed, values));
  if (!asReshape && !asExpand) return undefined;
  const open = dimensions.map((size, i) => (changed.includes(i) ? (asReshape ? -1 : 1) : size));
  return { ...constant, values: BigInt64Array.from(open, BigInt) };
}

/** Whether an Expand finds the batch in its input already, so that it need not name it. */
function isBatchBefore(
  { op, inputs }: GraphNode,
  axes: readonly number[],
  values: ReadonlyMap<string, GraphValue>,
): boolean {
  const [x = '', target = ''] = inputs;
  const shape = values.get(x)?.shape ?? [];
  const offset = (values.get(target)?.shape[0] ?? 0) - shape.length;
  return op === 'Expand' && axes.every((axis) => (shape[axis - offset] ?? 0) < 0);
}
