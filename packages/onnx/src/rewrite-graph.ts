import { type GraphArray, type GraphNode, pruneGraph, type TracedGraph } from './graph.js';
import { GraphBuilder } from './graph-builder.js';

/**
 * Looks at one node and may emit others through `view.builder` that compute the same. Returns the values that stand for
 * the node's outputs from here on, or undefined to leave the node as it is.
 */
export type RewriteRule = (node: GraphNode, view: GraphView) => readonly string[] | undefined;

/** What a rule may ask about the graph before its node. */
export class GraphView {
  readonly builder: GraphBuilder;
  readonly #producers = new Map<string, GraphNode>();
  readonly #uses = new Map<string, number>();

  constructor(graph: TracedGraph) {
    this.builder = GraphBuilder.from({ ...graph, nodes: [] });
    const used = [
      ...graph.nodes.flatMap(({ inputs }) => inputs),
      ...graph.outputs.map(({ value }) => value),
    ];
    for (const name of used) this.#uses.set(name, (this.#uses.get(name) ?? 0) + 1);
  }

  shape(name: string): readonly number[] {
    return this.builder.shape(name);
  }

  /** The node that computes a value, if its operator is one of `ops`. */
  producer(name: string, ...ops: string[]): GraphNode | undefined {
    const node = this.#producers.get(name);
    return node && (ops.length === 0 || ops.includes(node.op)) ? node : undefined;
  }

  /** How many nodes and outputs read a value of the graph as it was. */
  uses(name: string): number {
    return this.#uses.get(name) ?? 0;
  }

  /** The elements of a constant. */
  constant(name: string): GraphArray | undefined {
    return this.builder.constantValues(name);
  }

  /** The number that a constant of one element, or of equal elements, holds. */
  number(name: string): number | undefined {
    const values = this.constant(name);
    if (!values || values.length === 0) return undefined;
    const first = Number(values[0]);
    return values.every((value: number | bigint) => Number(value) === first) ? first : undefined;
  }

  /** A vector of integers such as a shape. */
  integers(name: string | undefined): number[] | undefined {
    const values = name === undefined ? undefined : this.constant(name);
    return values ? Array.from(values, Number) : undefined;
  }

  /** @internal */
  note(node: GraphNode): void {
    for (const name of node.outputs) this.#producers.set(name, node);
  }

  /** @internal A new value is read as often as the one it replaces. */
  replace(old: string, name: string): void {
    this.#uses.set(name, Math.max(this.uses(name), this.uses(old)));
  }
}

/**
 * Applies rules to every node in order, the first that fits wins; equal computations are merged and what is no longer
 * needed is dropped.
 */
export function rewriteGraph(graph: TracedGraph, rules: readonly RewriteRule[]): TracedGraph {
  const view = new GraphView(graph);
  const renamed = new Map<string, string>();
  const current = (name: string): string => renamed.get(name) ?? name;
  const seen = new Map<string, GraphNode>();
  let known = 0;
  for (const original of graph.nodes) {
    const node = { ...original, inputs: original.inputs.map(current) };
    view.builder.scope = scopeOf(original);
    const replacement = seen.get(keyOf(node))?.outputs ?? firstMatch(rules, node, view);
    if (!replacement) view.builder.append(node);
    replacement?.forEach((name, i) => {
      const old = node.outputs[i] as string;
      renamed.set(old, name);
      view.replace(old, name);
    });
    for (const added of view.builder.nodesFrom(known)) {
      view.note(added);
      seen.set(keyOf(added), added);
      known += 1;
    }
  }
  const outputs = graph.outputs.map((output) => [output.name, current(output.value)]);
  return pruneGraph(view.builder.build(Object.fromEntries(outputs)));
}

/** What stands before the name of a node's result. */
function scopeOf({ outputs: [name = ''] }: GraphNode): string {
  return name.slice(0, Math.max(0, name.lastIndexOf('/')));
}

function firstMatch(rules: readonly RewriteRule[], node: GraphNode, view: GraphView) {
  for (const rule of rules) {
    const replacement = rule(node, view);
    if (replacement) return replacement;
  }
  return undefined;
}

function keyOf({ op, domain, inputs, outputs, attributes }: GraphNode): string {
  return JSON.stringify([domain, op, inputs, outputs.length, attributes]);
}
