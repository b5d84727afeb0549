import type { GraphNode, TracedGraph } from './graph.js';

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
