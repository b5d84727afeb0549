export { type BranchBenchOptions, type BranchTiming, branchBench } from './bench/branches.js';
export {
  type MemoryBenchOptions,
  type MemoryProbe,
  type MemoryProbeOptions,
  type MemoryResult,
  memoryBench,
  memoryProbe,
  PROBE_MODES,
  type ProbeMode,
  peakMemoryBytes,
  runSelf,
  TRAINING_METHODS,
  type TrainingMethod,
} from './bench/probe.js';
export {
  appendBenchRecord,
  type BenchRecord,
  type BenchRecordOptions,
  createBenchRecord,
} from './bench/record.js';
export {
  branchReport,
  memoryReport,
  samplingReport,
  type ThroughputReportOptions,
  throughputReport,
  trainingMethodsReport,
  trainingReport,
} from './bench/report.js';
export {
  type SamplingBenchOptions,
  type SamplingTiming,
  samplingBench,
  type Throughput,
  type ThroughputBenchOptions,
  throughputBench,
} from './bench/sampling.js';
export { type TrainingBenchOptions, type TrainingTiming, trainingBench } from './bench/training.js';
export {
  type MethodCost,
  type TrainingMethodsBenchOptions,
  trainingMethodsBench,
} from './bench/training-methods.js';
export {
  type EvalConfig,
  type GroupConfig,
  type KnobConfig,
  METRIC_NAMES,
  type MetricName,
  type PlanConfig,
  type RowConfig,
} from './config.js';
export { readEvalConfig, type WriteEvalOptions, writeEval } from './eval-files.js';
export {
  type EvalProvenance,
  type FinishedEval,
  type RunEvalOptions,
  runEval,
  runEvalShare,
} from './evaluate.js';
export { type WithExtractorOptions, withExtractor } from './extractor.js';
export type { RunningExtractor } from './measure-rows.js';
export { outputsFor } from './quality.js';
export { assertOneSize, pngFiles } from './reference.js';
export {
  type ImageStatisticsOptions,
  imageStatistics,
  STATISTICS_METRICS,
} from './reference-set.js';
export {
  type EvalOutcome,
  type EvalRow,
  type FinishedRow,
  type MissedTarget,
  type PolicyFile,
  type RowLatency,
  type RowQuality,
  type RowRecord,
  type RowSavings,
  rowRecord,
  type TunedTo,
} from './row.js';
export type { EvalContext } from './rows.js';
export { type Share, shareName } from './share.js';
export {
  type SampledInTurns,
  type SampleInTurnsOptions,
  sampleInTurns,
} from './speed.js';
export { latexTable, markdownTables } from './tables.js';
