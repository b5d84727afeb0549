import { type GraphNode, pruneGraph, type TracedGraph } from './graph.js';
import { GraphBuilder } from './graph-builder.js';

/**
 * One graph that runs several after each other. Results called `state.*` are what the next graph gets as its inputs of
 * these names, and in the end the results of the whole; inputs called `context.*` are shared. Everything else belongs to
 * one graph: `rate.0` and `output.0` of graph k are called `rate.k` and `output.k`.
 */
export function composeGraphs(graphs: readonly TracedGraph[]): TracedGraph {
  const builder = new GraphBuilder();
  const shared = new Map<string, string>();
  const results: Record<string, string> = {};
  graphs.forEach((graph, k) => {
    const names = new Map<string, string>([['', '']]);
    for (const input of graph.inputs) {
      const name = own(input.name, k);
      const known = shared.get(name) ?? builder.input({ ...input, name });
      if (isShared(name)) shared.set(name, known);
      names.set(input.name, known);
    }
    append(builder, graph, names);
    for (const { name, value } of graph.outputs) {
      const made = names.get(value) as string;
      if (isShared(name)) shared.set(name, made);
      results[own(name, k)] = made;
    }
  });
  // What one graph passes on, a later one may drop.
  return pruneGraph(builder.build(results));
}

function isShared(name: string): boolean {
  return name.startsWith('state.') || name.startsWith('context.');
}

function own(name: string, k: number): string {
  return isShared(name) ? name : name.replace('.0', `.${k}`);
}

/** Adds everything but the inputs, and notes what its values are called now. */
function append(builder: GraphBuilder, graph: TracedGraph, names: Map<string, string>): void {
  for (const { name, shape, dtype, dataId } of graph.weights) {
    names.set(name, builder.weight(dataId, shape, dtype));
  }
  for (const { name, shape, dtype, values } of graph.constants) {
    names.set(name, builder.constant(values, shape, dtype));
  }
  for (const node of graph.nodes) {
    const made = builder.nodes({ ...renamedInputs(node, names), results: resultsOf(node, graph) });
    node.outputs.forEach((name, i) => {
      names.set(name, made[i] as string);
    });
  }
}

function renamedInputs({ op, domain, inputs, attributes }: GraphNode, names: Map<string, string>) {
  return { op, domain, attributes, inputs: inputs.map((name) => names.get(name) as string) };
}

function resultsOf({ outputs }: GraphNode, { values }: TracedGraph) {
  return outputs.map((name) => {
    const { shape = [], dtype = 'float32' } = values.get(name) ?? {};
    return { shape, dtype };
  });
}
