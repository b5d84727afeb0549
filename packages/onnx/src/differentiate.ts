import { UnsupportedError } from '@harmonica/core';
import { GRADIENT_RULES, type GradientCall } from './gradient-rules.js';
import type { GraphNode } from './graph.js';
import type { GraphBuilder } from './graph-builder.js';
import { type GraphOps, graphOps } from './graph-ops.js';

interface DifferentiateOptions {
  /** Holds the nodes, and gets those of the gradient. */
  readonly builder: GraphBuilder;
  /** The nodes to go back through, in execution order. */
  readonly nodes: readonly GraphNode[];
  /** Where derivatives start. */
  readonly seeds: readonly (readonly [value: string, derivative: string])[];
  /** The values by which to differentiate. */
  readonly by: readonly string[];
}

/**
 * Reverse-mode differentiation of a graph (Griewank and Walther, 2008, section 3.2): appends the vector-Jacobian product
 * of every node between `by` and the seeds. Working on recognised operators, it writes the short derivative of a layer
 * norm or GELU where a tape over single ops would write dozens of steps.
 *
 * @returns the derivative by every value on the way; `by` may lack one, if no seed depends on it
 * @throws {@link UnsupportedError} for an operator without a rule
 */
export function differentiate(options: DifferentiateOptions): ReadonlyMap<string, string> {
  const { builder, nodes, seeds, by } = options;
  const ops = graphOps(builder);
  const active = dependents(nodes, by);
  const gradients = new Map<string, string>();
  const accumulate = (name: string, gradient: string): void => {
    const before = gradients.get(name);
    gradients.set(name, before === undefined ? gradient : ops.add(before, gradient));
  };
  for (const [name, gradient] of seeds) accumulate(name, gradient);
  for (const node of nodes.toReversed()) {
    const dys = node.outputs.map((name) => gradients.get(name));
    if (dys.every((dy) => dy === undefined)) continue;
    if (!node.inputs.some((name) => active.has(name))) continue;
    const results = apply({ node, ops, dys, active });
    node.inputs.forEach((name, i) => {
      const gradient = results[i];
      if (gradient !== undefined && active.has(name)) accumulate(name, gradient);
    });
  }
  return gradients;
}

/** The values that depend on `by`. */
function dependents(nodes: readonly GraphNode[], by: readonly string[]): Set<string> {
  const active = new Set(by);
  for (const { inputs, outputs } of nodes) {
    if (inputs.some((name) => active.has(name))) for (const name of outputs) active.add(name);
  }
  return active;
}

interface ApplyOptions {
  readonly node: GraphNode;
  readonly ops: GraphOps;
  readonly dys: readonly (string | undefined)[];
  readonly active: ReadonlySet<string>;
}

function apply({ node, ops, dys, active }: ApplyOptions): readonly (string | undefined)[] {
  const call: GradientCall = {
    node,
    ops,
    dys,
    dy: dys[0] ?? '',
    x: node.inputs[0] ?? '',
    y: node.outputs[0] ?? '',
    integers: (input) =>
      Array.from(ops.builder.constantValues(node.inputs[input] ?? '') ?? [], Number),
    wants: (input) => active.has(node.inputs[input] ?? ''),
  };
  const results = GRADIENT_RULES[node.op]?.(call);
  if (results) return results;
  const feature = `the derivative of the operator ${node.op} in compiled form`;
  throw new UnsupportedError({ feature, engine: 'onnx' });
}
