import { engine, type Tensor, type TensorContainer, tidy } from '@tensorflow/tfjs-core';
import { vi } from 'vitest';

/** One call of a kernel. */
export interface KernelCall {
  readonly name: string;
  readonly attributes: unknown;
  /** Shapes of everything it returned. */
  readonly shapes: (readonly number[])[];
}

/** The kernels that a function runs, in order: what a tracer would record. */
export function kernelsOf(run: () => TensorContainer): KernelCall[] {
  const spy = vi.spyOn(engine(), 'runKernel');
  try {
    tidy(run);
    return spy.mock.calls.map(([name, , attributes], i) => {
      const output = spy.mock.results[i]?.value as Tensor | Tensor[];
      const shapes = [output].flat().map((each) => each.shape);
      return { name, attributes: structuredClone(attributes), shapes };
    });
  } finally {
    spy.mockRestore();
  }
}
