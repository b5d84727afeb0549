import type { Backbone, NamedTensors } from '@harmonica/core';
import { type Tensor1D, type Tensor4D, tensor, tensor1d, tidy } from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { forward } from '../src/layers/stream.js';
import { arrayOf, expectClose, imageOf, type StoredArrays, toNchw } from './fixture.js';

/** What `begin` takes. */
export interface ModelInput {
  readonly latent: Tensor4D;
  readonly time: Tensor1D;
  readonly condition: NamedTensors;
}

/** The inputs that a recorded run was given, with its condition under the names of the backbone's spec. */
function inputOf({ spec }: Backbone, run: StoredArrays): ModelInput {
  const condition = spec.condition.map(({ name, dtype }) => {
    const { data, shape } = arrayOf(run, name);
    return [name, tensor(dtype === 'int32' ? Int32Array.from(data) : data, [...shape], dtype)];
  });
  return {
    latent: imageOf(arrayOf(run, 'latent')),
    time: tensor1d(arrayOf(run, 'time').data),
    condition: Object.fromEntries(condition),
  };
}

/** The output agrees with that of the recorded run. */
export function expectSameOutput(backbone: Backbone, run: StoredArrays): void {
  tidy(() => {
    const output = forward({ backbone, ...inputOf(backbone, run) });
    expectClose({ actual: toNchw(output), expected: arrayOf(run, 'output') });
  });
}

/** The output of every branch, before its gate, agrees with that of the recorded run. */
export function expectSameBranches(backbone: Backbone, run: StoredArrays): void {
  tidy(() => {
    const { latent, time, condition } = inputOf(backbone, run);
    let stream = backbone.begin(latent, time, condition);
    for (const branch of backbone.spec.branches) {
      const output = backbone.compute(branch, stream);
      expectClose({ actual: output, expected: arrayOf(run, `branch.${branch.index}`) });
      stream = { ...stream, state: backbone.merge(branch, stream, output) };
    }
  });
  const recorded = [...run.keys()].filter((name) => name.startsWith('branch.'));
  expect(recorded).toHaveLength(backbone.spec.branches.length);
}

/** The bits of the output for the inputs of a recorded run. */
export function outputBits(backbone: Backbone, run: StoredArrays): Float32Array {
  return tidy(() =>
    forward({ backbone, ...inputOf(backbone, run) }).dataSync(),
  ) as unknown as Float32Array;
}
