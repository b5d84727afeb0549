import { geluRule, siluRule } from './fusions/gelu.js';
import { groupNormRule } from './fusions/group-norm.js';
import { identityRules } from './fusions/identities.js';
import { layerNormRule, leanLayerNormRule, modulatedLayerNormRule } from './fusions/layer-norm.js';
import {
  biasGeluRule,
  fusedMatMulRule,
  gemmRule,
  scaledMatMulRule,
  transposedMatMulRule,
} from './fusions/linear.js';
import type { TracedGraph } from './graph.js';
import { rewriteGraph } from './rewrite-graph.js';

/**
 * Names what the ops of a graph add up to: layer norms and GELU become single ONNX operators, and needless steps go.
 * The result has ONNX standard operators only, and is what gradients are derived from.
 */
export function simplifyGraph(graph: TracedGraph): TracedGraph {
  const simple = rewriteGraph(graph, identityRules);
  const named = rewriteGraph(simple, [...identityRules, layerNormRule, geluRule]);
  return rewriteGraph(named, [modulatedLayerNormRule]);
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
