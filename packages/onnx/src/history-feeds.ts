import { type BranchAction, InvalidArgumentError } from '@harmonica/core';
import type { HistoryLayout } from './backbone-graphs.js';
import type { HandleTable } from './executor-handles.js';
import type { HistorySlabs } from './history-slabs.js';
import type { OrtRuntime, OrtTensor } from './ort.js';
import type { PooledTensor } from './tensor-pool.js';

/** Tensors to feed, by input name. */
export type Feeds = Readonly<Record<string, OrtTensor>>;

/** The earlier outputs that an action reads, ready to be fed. */
export interface HistoryFeeds {
  readonly layout: HistoryLayout;
  /** The inputs of branch `k` of a run, its coefficients multiplied by `factor`. */
  feeds(k: number, factor: number): Feeds;
}

interface HistoryFeedsOptions {
  readonly action: BranchAction;
  readonly handles: HandleTable;
  readonly slabs: HistorySlabs;
  readonly runtime: OrtRuntime;
}

/**
 * Finds the earlier outputs of an action: as one matrix if they lie side by side, else one by one.
 *
 * @throws {@link InvalidArgumentError} without history
 */
export function historyFeeds(options: HistoryFeedsOptions): HistoryFeeds {
  const { action, handles, slabs, runtime } = options;
  const { history, coefficients, branch } = action;
  const tensors = history.map((handle) => handles.value(handle).tensors.output as PooledTensor);
  if (tensors.length === 0) {
    throw new InvalidArgumentError({
      argument: 'action.history',
      value: [],
      expected: `at least one earlier output of branch ${branch}, because its score is below 1`,
      fix: 'Compute every branch at step 0.',
    });
  }
  const rows = tensors.length > 1 ? slabs.matrixOf(tensors) : undefined;
  if (!rows) {
    const feeds = (k: number, factor: number): Feeds => ({
      [`rate.${k}`]: rowOf(
        runtime,
        tensors.map((_, j) => coefficients[j] ?? 0),
        factor,
      ),
      ...Object.fromEntries(tensors.map(({ tensor }, j) => [`history.${k}.${j}`, tensor])),
    });
    return { layout: { kind: 'tensors', count: tensors.length }, feeds };
  }
  const { matrix, count, places } = rows;
  const rates = new Array<number>(count).fill(0);
  places.forEach((place, j) => {
    rates[place] = (rates[place] as number) + (coefficients[j] ?? 0);
  });
  const feeds = (k: number, factor: number): Feeds => ({
    [`rate.${k}`]: rowOf(runtime, rates, factor),
    [`history.${k}`]: matrix,
  });
  return { layout: { kind: 'rows', count }, feeds };
}

function rowOf(runtime: OrtRuntime, coefficients: readonly number[], factor: number): OrtTensor {
  const values = Float32Array.from(coefficients, (coefficient) => coefficient * factor);
  return new runtime.Tensor('float32', values, [1, values.length]);
}
