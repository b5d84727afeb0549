export { graphKey } from './canonical-graph.js';
export { type CompiledFunction, compileFunction, type TensorResult } from './compile-function.js';
export {
  type ExportBackboneOptions,
  type ExportGraphOptions,
  type ExportResult,
  exportOnnx,
} from './export-onnx.js';
export type {
  GraphArray,
  GraphAttribute,
  GraphConstant,
  GraphDType,
  GraphNode,
  GraphOutput,
  GraphValue,
  GraphWeight,
  TracedGraph,
} from './graph.js';
export { createOnnxExecutor, type OnnxExecutorOptions } from './onnx-executor.js';
export type {
  CreateOptions,
  ExecutionProvider,
  OrtRuntime,
  OrtSession,
  OrtTensor,
  Tensors,
} from './ort.js';
export type { SessionOptions } from './runtime.js';
export {
  type TensorRecord,
  type TensorSpec,
  type TraceFunctionOptions,
  traceFunction,
} from './trace-function.js';
