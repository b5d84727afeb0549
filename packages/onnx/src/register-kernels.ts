import { getKernel, registerKernel } from '@tensorflow/tfjs-core';
import { binaryKernels, unaryKernels } from './kernels/elementwise.js';
import { imageKernels } from './kernels/images.js';
import type { KernelCall, KernelTable } from './kernels/kernel.js';
import { matmulKernels } from './kernels/matmul.js';
import { reductionKernels } from './kernels/reductions.js';
import { shapeKernels } from './kernels/shapes.js';
import { TRACE_BACKEND, type TraceBackend } from './trace-backend.js';

/** Every TensorFlow.js kernel that can be traced, by name. */
export const traceKernels: KernelTable = {
  ...unaryKernels,
  ...binaryKernels,
  ...reductionKernels,
  ...shapeKernels,
  ...matmulKernels,
  ...imageKernels,
};

/** Tells TensorFlow.js about the kernels of the recording backend, once per program. */
export function registerTraceKernels(): void {
  for (const [kernelName, kernel] of Object.entries(traceKernels)) {
    if (getKernel(kernelName, TRACE_BACKEND)) continue;
    registerKernel({
      kernelName,
      backendName: TRACE_BACKEND,
      kernelFunc: ({ inputs: given, attrs, backend }) => {
        const trace = backend as TraceBackend;
        const inputs = given as KernelCall['inputs'];
        return trace.scoped(() => kernel({ trace, inputs, attrs }));
      },
    });
  }
}
