import type { GraphConstant, GraphOutput, GraphValue, TracedGraph } from './graph.js';

/**
 * The graph with its values renamed by position (`input0`, `weight0`, `value0`…), so that graphs of equal structure
 * become equal, whatever their inputs and weights are called. Inputs and outputs keep their order, weights and
 * constants stand in the order of their first use.
 */
export function canonicalGraph(graph: TracedGraph): TracedGraph {
  const weights = inOrderOfUse(graph, graph.weights);
  const constants = inOrderOfUse(graph, graph.constants);
  const made = graph.nodes.flatMap(({ outputs }) => outputs).filter((name) => name !== '');
  const names = new Map<string, string>([['', '']]);
  const number = (prefix: string, all: readonly string[]) => {
    for (const [i, name] of all.entries()) names.set(name, `${prefix}${i}`);
  };
  number('input', graph.inputs.map(nameIn));
  number('weight', weights.map(nameIn));
  number('constant', constants.map(nameIn));
  number('value', made);
  const nameOf = (name: string) => names.get(name) as string;
  const renamed = renamedGraph({ ...graph, weights, constants }, nameOf);
  return withOutputNames(renamed, (i) => `output${i}`);
}

function nameIn({ name }: GraphValue): string {
  return name;
}

/** The graph with other names for its values; what results are called stays. */
function renamedGraph(graph: TracedGraph, nameOf: (name: string) => string): TracedGraph {
  const renamed = <T extends GraphValue>(value: T): T => ({ ...value, name: nameOf(value.name) });
  return {
    inputs: graph.inputs.map(renamed),
    weights: graph.weights.map(renamed),
    constants: graph.constants.map(renamed),
    nodes: graph.nodes.map((node) => ({
      ...node,
      inputs: node.inputs.map(nameOf),
      outputs: node.outputs.map(nameOf),
    })),
    outputs: graph.outputs.map((output) => ({ ...output, value: nameOf(output.value) })),
    values: new Map([...graph.values].map(([name, value]) => [nameOf(name), renamed(value)])),
  };
}

function withOutputNames(graph: TracedGraph, nameAt: (i: number) => string): TracedGraph {
  return { ...graph, outputs: graph.outputs.map((output, i) => ({ ...output, name: nameAt(i) })) };
}

/**
 * The graph with canonical names for everything but its inputs and outputs, which keep theirs. Two traces of the same
 * function become comparable.
 */
export function canonicalInside(graph: TracedGraph): TracedGraph {
  const canonical = canonicalGraph(graph);
  const names = new Map(canonical.inputs.map(({ name }, i) => [name, graph.inputs[i]?.name]));
  const renamed = renamedGraph(canonical, (name) => names.get(name) ?? name);
  return withOutputNames(renamed, (i) => (graph.outputs[i] as GraphOutput).name);
}

/** A graph in canonical names with those of `original`, of which it is a copy, wherever the two correspond. */
export function withNamesOf(original: TracedGraph, canonical: TracedGraph): TracedGraph {
  const names = new Map<string, string>();
  canonical.nodes.forEach(({ outputs }, i) => {
    outputs.forEach((name, j) => {
      names.set(name, original.nodes[i]?.outputs[j] ?? name);
    });
  });
  for (const { name, dataId } of canonical.weights) {
    names.set(name, original.weights.find((weight) => weight.dataId === dataId)?.name ?? name);
  }
  return renamedGraph(canonical, (name) => names.get(name) ?? name);
}

/**
 * A text that is equal for graphs of equal structure: operators, wiring, shapes and constants, but neither the names of
 * inputs and weights nor the values of weights. One compiled session serves all graphs with the same key.
 */
export function graphKey(graph: TracedGraph): string {
  const { inputs, weights, constants, nodes, outputs } = canonicalGraph(graph);
  const typed = ({ shape, dtype }: GraphValue) => `${dtype}[${shape}]`;
  const constant = (value: GraphConstant) => `${typed(value)}=${Array.from(value.values, exactly)}`;
  return JSON.stringify([
    inputs.map(typed),
    weights.map(typed),
    constants.map(constant),
    nodes.map(({ op, domain, inputs: from, outputs: to, attributes }) => [
      `${domain}.${op}`,
      from,
      to,
      attributes,
    ]),
    outputs.map(({ value }) => value),
  ]);
}

function exactly(value: number | bigint): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

/** Sorted by first use, which does not depend on how the values came to be. */
function inOrderOfUse<T extends GraphValue>(graph: TracedGraph, values: readonly T[]): T[] {
  const order = new Map<string, number>();
  const see = (name: string) => order.set(name, order.get(name) ?? order.size);
  for (const { inputs } of graph.nodes) inputs.forEach(see);
  for (const { value } of graph.outputs) see(value);
  const rank = ({ name }: T): number => order.get(name) ?? Number.POSITIVE_INFINITY;
  return [...values].sort((a, b) => rank(a) - rank(b));
}
