import type { GraphOutput, TracedGraph } from './graph.js';
import { pruneGraph } from './prune-graph.js';

/** A result that is an input of the graph, or another result, as it stands. */
export interface SharedOutput {
  readonly name: string;
  /** What it is; an input and a result may have the same name. */
  readonly source: { readonly kind: 'input' | 'output'; readonly name: string };
}

/** A graph that leaves out what need not be computed. */
export interface UnsharedGraph {
  readonly graph: TracedGraph;
  readonly shared: readonly SharedOutput[];
}

/**
 * Takes results that change nothing out of a graph, because ONNX Runtime would copy them: state that a branch passes on,
 * such as the long skips of a U-ViT, and gradients of it.
 *
 * @param isHeld which inputs and results may be shared, by name; others stay
 */
export function withoutShared(
  graph: TracedGraph,
  isHeld: (name: string) => boolean,
): UnsharedGraph {
  const owners = new Map(
    graph.inputs.map(({ name }): [string, SharedOutput['source']] => [
      name,
      { kind: 'input', name },
    ]),
  );
  const kept: GraphOutput[] = [];
  const shared: SharedOutput[] = [];
  for (const output of graph.outputs) {
    const { name, value } = output;
    const source = owners.get(value);
    if (source && isHeld(source.name) && isHeld(name)) {
      shared.push({ name, source });
      continue;
    }
    kept.push(output);
    if (!source) owners.set(value, { kind: 'output', name });
  }
  // A model without results is none.
  if (kept.length === 0) return { graph, shared: [] };
  return { graph: pruneGraph({ ...graph, outputs: kept }), shared };
}
