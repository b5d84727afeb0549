export {
  type ConformanceCase,
  type ConformanceInput,
  executorConformance,
} from './executor-conformance.js';
export { createTinyBackbone } from './tiny-backbone.js';
