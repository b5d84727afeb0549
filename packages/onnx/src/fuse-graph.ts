import type { TracedGraph } from './graph.js';

export function fuseGraph(graph: TracedGraph): TracedGraph {
  return graph;
}
