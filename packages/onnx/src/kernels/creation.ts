import { util } from '@tensorflow/tfjs-core';
import { input, type KernelTable } from './kernel.js';

/** Kernels that make tensors from numbers: all are known while tracing. */
export const creationKernels: KernelTable = {
  Fill: ({ trace, attrs }) => {
    const dtype = attrs.dtype ?? util.inferDtype(attrs.value);
    return trace.constant({ uniform: Number(attrs.value) }, attrs.shape, dtype);
  },
  ZerosLike: (call) => {
    const { shape, dtype } = input(call, 'x');
    return call.trace.constant({ uniform: 0 }, shape, dtype);
  },
  OnesLike: (call) => {
    const { shape, dtype } = input(call, 'x');
    return call.trace.constant({ uniform: 1 }, shape, dtype);
  },
  Range: ({ trace, attrs: { start, stop, step, dtype } }) => {
    const length = Math.max(0, Math.ceil((stop - start) / step));
    const values = Array.from({ length }, (_, i) => start + i * step);
    return trace.constant({ values }, [length], dtype);
  },
  LinSpace: ({ trace, attrs: { start, stop, num } }) => {
    const step = num > 1 ? (stop - start) / (num - 1) : 0;
    const values = Array.from({ length: num }, (_, i) => start + i * step);
    return trace.constant({ values }, [num], 'float32');
  },
};
