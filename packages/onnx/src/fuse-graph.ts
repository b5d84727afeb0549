import { channelsFirstRules } from './fusions/channels-first.js';
import { geluRule, siluRule } from './fusions/gelu.js';
import { groupNormRule } from './fusions/group-norm.js';
import { identityRules } from './fusions/identities.js';
import {
  layerNormRule,
  leanLayerNormRule,
  modulatedLayerNormRule,
  splitLayerNormRule,
} from './fusions/layer-norm.js';
import {
  biasGeluRule,
  fusedMatMulRule,
  gemmRule,
  scaledMatMulRule,
  transposedMatMulRule,
} from './fusions/linear.js';
import type { TracedGraph } from './graph.js';
import { rewriteGraph } from './rewrite-graph.js';

/** Needless steps go, layer norms and GELU become single operators: standard ONNX, for any engine. */
export function standardGraph(graph: TracedGraph): TracedGraph {
  return rewriteGraph(recognisedGraph(graph), [leanLayerNormRule]);
}

/**
 * Like {@link standardGraph}, with layer norms that have a scale and shift for each sample and keep the statistics of
 * their rows: what gradients are derived from.
 */
export function simplifyGraph(graph: TracedGraph): TracedGraph {
  return rewriteGraph(recognisedGraph(graph), [modulatedLayerNormRule]);
}

function recognisedGraph(graph: TracedGraph): TracedGraph {
  const simple = rewriteGraph(graph, identityRules);
  return rewriteGraph(simple, [...identityRules, ...channelsFirstRules, layerNormRule, geluRule]);
}

/** Like {@link standardGraph}, also for graphs that gradients were derived from. */
export function portableGraph(graph: TracedGraph): TracedGraph {
  return rewriteGraph(standardGraph(graph), [splitLayerNormRule, leanLayerNormRule]);
}

/**
 * Rewrites a graph to the operators that ONNX Runtime runs fastest on a CPU, its own contributed ones included: each
 * saves passes over memory.
 */
export function fuseGraph(graph: TracedGraph): TracedGraph {
  const simple = simplifyGraph(graph);
  const normed = rewriteGraph(simple, [groupNormRule]);
  const activated = rewriteGraph(normed, [
    ...identityRules,
    leanLayerNormRule,
    biasGeluRule,
    siluRule,
  ]);
  return rewriteGraph(activated, [
    gemmRule,
    fusedMatMulRule,
    scaledMatMulRule,
    transposedMatMulRule,
  ]);
}
