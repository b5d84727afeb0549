import type { InferenceSession } from 'onnxruntime-common';

export type ExecutionProvider = InferenceSession.ExecutionProviderConfig;

/** What shall run graphs, in order of preference. Default: the CPU. */
interface Providers {
  readonly executionProviders?: readonly ExecutionProvider[] | undefined;
}

/** The names of what shall run graphs. */
export function providerNames({ executionProviders = ['cpu'] }: Providers): readonly string[] {
  return executionProviders.map((each) => (typeof each === 'string' ? each : each.name));
}

/** Whether the CPU runs them, so that weights can be fed from memory at each run without a copy. */
export function runsOnCpu(options: Providers): boolean {
  return providerNames(options).every((name) => name === 'cpu');
}

/** Whether results stay in the memory of a device, so that nothing travels between two graphs. */
export function keepsOnDevice(options: Providers): boolean {
  return ['cuda', 'webgpu'].includes(providerNames(options)[0] ?? 'cpu');
}
