import type { GraphNode } from '../graph.js';
import type { GraphOps } from '../graph-ops.js';

/** What a gradient rule is told about its node. */
export interface GradientCall {
  readonly node: GraphNode;
  readonly ops: GraphOps;
  /** Derivatives by the outputs; undefined where nothing depends on one. */
  readonly dys: readonly (string | undefined)[];
  /** The derivative by the first output, for nodes with one. */
  readonly dy: string;
  readonly x: string;
  readonly y: string;
  /** The elements of a constant input such as a shape or axes. */
  integers(input: number): readonly number[];
  /** Whether the derivative by this input is wanted. */
  wants(input: number): boolean;
}

/**
 * Emits the derivative by each wanted input: the vector-Jacobian product of one operator. Undefined for an input that has
 * none; a rule that cannot differentiate its node as it stands returns undefined.
 */
export type GradientRule = (call: GradientCall) => readonly (string | undefined)[] | undefined;

export type GradientTable = Readonly<Record<string, GradientRule>>;
