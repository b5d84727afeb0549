import {
  type BranchRunner,
  computeAction,
  type Decisions,
  type Executor,
  type StreamHandle,
} from './executor.js';

/** The uncached run: every branch of every step is computed. */
export function computeAll(executor: Executor): BranchRunner {
  const actions = executor.spec.branches.map(({ index }) => computeAction(index, false));
  const decisions: Decisions[] = [];
  return {
    decisions,
    async run(step: number, stream: StreamHandle): Promise<StreamHandle> {
      try {
        const result = await executor.advance(stream, actions);
        decisions[step] = actions.map(() => true);
        return result.stream;
      } finally {
        executor.release(stream);
      }
    },
    dispose: () => undefined,
  };
}
