import type { Tensor4D } from '@tensorflow/tfjs-core';
import { disposeRunState, type RoutedRun, type RunState } from './routed-run.js';

/** States and tensors that are freed one by one, or what is left of them all at once. */
export class OwnedRuns {
  readonly #states = new Map<RunState, RoutedRun>();
  readonly #tensors = new Set<Tensor4D>();

  /** Takes over a state of a run. */
  state(run: RoutedRun, state: RunState): RunState {
    this.#states.set(state, run);
    return state;
  }

  /** Takes over a tensor. */
  tensor(tensor: Tensor4D): Tensor4D {
    this.#tensors.add(tensor);
    return tensor;
  }

  /** Frees each thing that is still there. */
  free(...things: readonly (RunState | Tensor4D)[]): void {
    for (const thing of things) {
      if ('plan' in thing) this.#freeState(thing);
      else if (this.#tensors.delete(thing)) thing.dispose();
    }
  }

  freeAll(): void {
    this.free(...this.#states.keys(), ...this.#tensors);
  }

  #freeState(state: RunState): void {
    const run = this.#states.get(state);
    if (!run) return;
    this.#states.delete(state);
    disposeRunState(run, state);
  }
}
