import * as ort from 'onnxruntime-node';
import type { GraphArray, TracedGraph } from '../src/graph.js';
import { encodeModel } from '../src/onnx-model.js';
import { createSession } from '../src/runtime.js';
import { readWeight } from '../src/weight-store.js';

/** Runs a graph on ONNX Runtime with its weights as initializers; results by output name. */
export async function runGraph(
  graph: TracedGraph,
  inputs: Readonly<Record<string, GraphArray>>,
): Promise<Record<string, ArrayLike<number>>> {
  const weights = await Promise.all(
    graph.weights.map(async ({ dataId }) => ({ values: await readWeight(dataId) })),
  );
  const model = encodeModel({ graph, weights });
  const session = await createSession({ runtime: ort, model, options: { threads: 1 } });
  const feeds = graph.inputs.map(({ name, shape, dtype }) => [
    name,
    new ort.Tensor(dtype as 'float32', inputs[name] as Float32Array, [...shape]),
  ]);
  const results = await session.run(Object.fromEntries(feeds));
  await session.release();
  return Object.fromEntries(
    Object.entries(results).map(([name, { data }]) => [name, data as Float32Array]),
  );
}
