export { type BranchTiming, branchBench } from './bench/branches.js';
export {
  MEMORY_MODES,
  type MemoryMode,
  type MemoryProbe,
  memoryBench,
  memoryProbe,
  peakMemoryBytes,
  runSelf,
} from './bench/memory.js';
export { appendBenchRecord, type BenchRecord, createBenchRecord } from './bench/record.js';
export {
  branchReport,
  memoryReport,
  samplingReport,
  throughputReport,
  trainingMethodsReport,
  trainingReport,
} from './bench/report.js';
export {
  type SamplingTiming,
  samplingBench,
  type Throughput,
  throughputBench,
} from './bench/sampling.js';
export { type TrainingTiming, trainingBench } from './bench/training.js';
export {
  methodMemory,
  TRAINING_METHODS,
  type TrainingMethod,
  trainingMethodsBench,
} from './bench/training-methods.js';
export type { EvalConfig } from './config.js';
export { readEvalConfig, type WriteEvalOptions, writeEval } from './eval-files.js';
export { type FinishedEval, runEval, runEvalShare } from './evaluate.js';
export { withExtractor } from './extractor.js';
export { costFigure, curveFigures, type FigureSection, rowFigures } from './figures.js';
export type { RunningExtractor } from './measure-rows.js';
export { type ImageFidelity, imageFidelity, outputsFor } from './quality.js';
export { assertOneSize, pngFiles } from './reference.js';
export { imageStatistics, STATISTICS_METRICS } from './reference-set.js';
export { evalReport } from './report.js';
export {
  type EvalOutcome,
  type EvalRow,
  type FinishedRow,
  type MissedTarget,
  type PolicyFile,
  type RowRecord,
  rowRecord,
  type TunedTo,
} from './row.js';
export { type Share, shareName } from './share.js';
export { type SampledInTurns, sampleInTurns } from './speed.js';
export { latexTable, markdownTables } from './tables.js';
