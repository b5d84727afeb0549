import { assertCondition, type BackboneSpec, type NamedTensors, ShapeError } from '@harmonica/core';
import type { Tensor1D, Tensor4D } from '@tensorflow/tfjs-core';

export interface BeginInput {
  readonly spec: BackboneSpec;
  readonly latent: Tensor4D;
  readonly time: Tensor1D;
  readonly condition: NamedTensors;
}

/**
 * Checks what a backbone's `begin` is given against its spec.
 *
 * @throws {@link ShapeError}, {@link DTypeError}, {@link InvalidArgumentError}
 */
export function assertBeginInput({ spec, latent, time, condition }: BeginInput): void {
  const { height, width, channels } = spec.latent;
  const expected = [null, height, width, channels];
  const [batch = 0, ...sample] = latent.shape;
  if (sample.join() !== expected.slice(1).join()) {
    throw new ShapeError({ tensor: 'latent', actual: latent.shape, expected });
  }
  if (time.shape.join() !== String(batch)) {
    throw new ShapeError({ tensor: 'time', actual: time.shape, expected: [batch] });
  }
  assertCondition(spec, condition, batch);
}
