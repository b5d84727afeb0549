/** Element types of graph values. `int64` appears in shapes and axes only; tfjs has no such tensors. */
export type GraphDType = 'float32' | 'int32' | 'bool' | 'int64';

/** What ONNX calls each element type (`TensorProto.DataType`), and the typed array that holds such elements. */
export const ELEMENT_TYPES = {
  float32: { code: 1, ArrayOf: Float32Array },
  int32: { code: 6, ArrayOf: Int32Array },
  bool: { code: 9, ArrayOf: Uint8Array },
  int64: { code: 7, ArrayOf: BigInt64Array },
} as const satisfies Record<GraphDType, object>;

/** The typed array that holds constants of each element type. */
export type GraphArray = Float32Array | Int32Array | Uint8Array | BigInt64Array;

/** A named edge of a graph. */
export interface GraphValue {
  readonly name: string;
  /** In a graph for any batch size, `-k` stands for k times the batch size. */
  readonly shape: readonly number[];
  readonly dtype: GraphDType;
}

/** An attribute of a node, told apart by its ONNX type. */
export type GraphAttribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly ints: readonly number[] }
  | { readonly string: string };

/** One ONNX operation. An empty name in `inputs` leaves an optional input out. */
export interface GraphNode {
  readonly op: string;
  /** Empty for the ONNX standard operators. */
  readonly domain: '' | 'com.microsoft';
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, GraphAttribute>>;
}

/** A constant made while tracing: scalars, shapes, ranges. Row-major. */
export interface GraphConstant extends GraphValue {
  readonly values: GraphArray;
}

/**
 * A tensor that the traced function used but did not make. Recorded by reference: `dataId` is the identity of its
 * storage in TensorFlow.js, where its values stay.
 */
export interface GraphWeight extends GraphValue {
  readonly dataId: object;
}

/** An output of the traced function and the value that holds it, which may be an input or a constant. */
export interface GraphOutput extends GraphValue {
  readonly value: string;
}

/** A traced function as plain data: nodes in execution order over named values. */
export interface TracedGraph {
  readonly inputs: readonly GraphValue[];
  readonly weights: readonly GraphWeight[];
  readonly constants: readonly GraphConstant[];
  readonly nodes: readonly GraphNode[];
  readonly outputs: readonly GraphOutput[];
  /** Shape and element type of every value, by name. */
  readonly values: ReadonlyMap<string, GraphValue>;
}

/** The number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}

/** Whether two shapes are equal. */
export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((dimension, i) => dimension === b[i]);
}

/** The graph without nodes, inputs, weights and constants that no output depends on. */
export function pruneGraph(graph: TracedGraph): TracedGraph {
  const used = new Set(graph.outputs.map(({ value }) => value));
  const nodes: GraphNode[] = [];
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((name) => used.has(name))) continue;
    for (const name of node.inputs) used.add(name);
    nodes.push(node);
  }
  nodes.reverse();
  const isUsed = ({ name }: { readonly name: string }) => used.has(name);
  const inputs = graph.inputs.filter(isUsed);
  const weights = graph.weights.filter(isUsed);
  const constants = graph.constants.filter(isUsed);
  const names = [...inputs, ...weights, ...constants]
    .map(({ name }) => name)
    .concat(nodes.flatMap(({ outputs }) => outputs));
  const values = new Map(names.map((name) => [name, present(graph, name)]));
  return { inputs, weights, constants, nodes, outputs: graph.outputs, values };
}

function present(graph: TracedGraph, name: string) {
  const value = graph.values.get(name);
  return { name, shape: value?.shape ?? [], dtype: value?.dtype ?? 'float32' };
}
