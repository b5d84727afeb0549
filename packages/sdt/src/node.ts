export { readTrainingState, writeTrainingState } from './checkpoint-file.js';
