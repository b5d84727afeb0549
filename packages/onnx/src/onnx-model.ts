import type { onnx as Onnx } from 'onnx-proto';
import onnxProto from 'onnx-proto';
import {
  ELEMENT_TYPES,
  type GraphArray,
  type GraphAttribute,
  type GraphNode,
  type GraphValue,
  type TracedGraph,
} from './graph.js';

const { onnx } = onnxProto;

/** ONNX operator set of every model this package writes. */
const ONNX_OPSET = 20;

/** Intermediate representation version that goes with the operator set. */
const IR_VERSION = 9;

/** Values of a weight, or where in the external data file they lie. */
export type WeightData =
  | { readonly values: GraphArray }
  | { readonly location: string; readonly offset: number; readonly length: number };

interface EncodeModelOptions {
  readonly graph: TracedGraph;
  /**
   * Values of the weights, in the order of `graph.weights`, to be written as initializers. Left out, the weights are
   * inputs of the model, after the graph's own inputs.
   */
  readonly weights?: readonly WeightData[];
}

/** The graph as the bytes of an ONNX model. */
export function encodeModel({ graph, weights }: EncodeModelOptions): Uint8Array {
  const renamed = namesInModel(graph);
  const named = <T extends GraphValue>(value: T): T => ({
    ...value,
    name: renamed.get(value.name) ?? value.name,
  });
  const stored = weights
    ? graph.weights.map((value, i) => tensor(named(value), weights[i] as WeightData))
    : [];
  const model = onnx.ModelProto.create({
    irVersion: IR_VERSION,
    producerName: 'harmonica',
    opsetImport: opsets(graph),
    graph: {
      name: 'harmonica',
      node: [
        ...graph.nodes.map((node) => encodeNode(node, renamed)),
        ...identities(graph, renamed),
      ],
      initializer: [...graph.constants.map((value) => tensor(named(value), value)), ...stored],
      input: [...graph.inputs, ...(weights ? [] : graph.weights.map(named))].map(valueInfo),
      output: graph.outputs.map(valueInfo),
      valueInfo: openValues(graph).map((value) => valueInfo(named(value))),
    },
  });
  return onnx.ModelProto.encode(model).finish();
}

function opsets(graph: TracedGraph): Onnx.IOperatorSetIdProto[] {
  const standard = { domain: '', version: ONNX_OPSET };
  const contributed = graph.nodes.some(({ domain }) => domain === 'com.microsoft');
  return contributed ? [standard, { domain: 'com.microsoft', version: 1 }] : [standard];
}

function encodeNode(
  { op, domain, inputs, outputs, attributes }: GraphNode,
  renamed: ReadonlyMap<string, string>,
): Onnx.INodeProto {
  return {
    opType: op,
    domain,
    name: outputs[0] ?? '',
    input: inputs.map((name) => renamed.get(name) ?? name),
    output: outputs.map((name) => renamed.get(name) ?? name),
    attribute: Object.entries(attributes).map(([name, value]) => attribute(name, value)),
  };
}

/**
 * New names for values: a value that a node makes for an output takes the name of the output, and one that has the name of
 * an output by chance takes another.
 */
function namesInModel({ nodes, outputs, values }: TracedGraph): Map<string, string> {
  const made = new Set(nodes.flatMap((node) => node.outputs));
  const results = new Set(outputs.map(({ name }) => name));
  const renamed = new Map<string, string>();
  for (const name of values.keys()) if (results.has(name)) renamed.set(name, `${name}'`);
  for (const { name, value } of outputs.toReversed()) if (made.has(value)) renamed.set(value, name);
  return renamed;
}

/**
 * Values whose size depends on the batch. Told that two of them have equal shapes, ONNX Runtime computes one in the memory
 * of the other.
 */
function openValues({ nodes, outputs, values }: TracedGraph): GraphValue[] {
  const results = new Set(outputs.map(({ value }) => value));
  return nodes
    .flatMap((node) => node.outputs)
    .filter((name) => !results.has(name))
    .map((name) => values.get(name) as GraphValue)
    .filter((value) => value?.shape.some((size) => size < 0));
}

/** Outputs that are inputs, constants or twice the same value are copies. */
function identities(graph: TracedGraph, renamed: ReadonlyMap<string, string>): Onnx.INodeProto[] {
  return graph.outputs
    .filter(({ name, value }) => name !== (renamed.get(value) ?? value))
    .map(({ name, value }) => ({
      opType: 'Identity',
      name,
      input: [renamed.get(value) ?? value],
      output: [name],
    }));
}

function attribute(name: string, value: GraphAttribute): Onnx.IAttributeProto {
  if ('int' in value) return { name, type: 2, i: value.int };
  if ('float' in value) return { name, type: 1, f: value.float };
  if ('ints' in value) return { name, type: 7, ints: [...value.ints] };
  return { name, type: 3, s: new TextEncoder().encode(value.string) };
}

function tensor({ name, shape, dtype }: GraphValue, data: WeightData): Onnx.ITensorProto {
  const info = { name, dims: [...shape], dataType: ELEMENT_TYPES[dtype].code };
  if ('values' in data) {
    const { buffer, byteOffset, byteLength } = data.values;
    return { ...info, rawData: new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength) };
  }
  const { location, offset, length } = data;
  return {
    ...info,
    dataLocation: 1,
    externalData: [
      { key: 'location', value: location },
      { key: 'offset', value: String(offset) },
      { key: 'length', value: String(length) },
    ],
  };
}

function valueInfo({ name, shape, dtype }: GraphValue): Onnx.IValueInfoProto {
  const dim = shape.map((size) =>
    size < 0 ? { dimParam: batchTimes(-size) } : { dimValue: size },
  );
  return { name, type: { tensorType: { elemType: ELEMENT_TYPES[dtype].code, shape: { dim } } } };
}

/** The name of a dimension that is a multiple of the batch size. */
function batchTimes(factor: number): string {
  return factor === 1 ? 'batch' : `batch_times_${factor}`;
}
