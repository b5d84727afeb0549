import { assertArgument, DisposedError } from '@harmonica/core';
import { dispose, keep, type Rank, type Tensor, tensor } from '@tensorflow/tfjs-core';
import { arrange, type Parameter } from './parameter.js';

/** The weights of one model by parameter name, in the layouts its ops want. Owns its tensors. */
export class Weights {
  readonly #owner: string;
  readonly #tensors = new Map<string, Tensor>();
  #disposed = false;

  /** @param owner what the weights belong to, for error messages */
  constructor(owner: string) {
    this.#owner = owner;
  }

  has(name: string): boolean {
    return this.#tensors.has(name);
  }

  /** @throws {@link DisposedError}, {@link InvalidArgumentError} if there is no such tensor */
  get<R extends Rank = Rank>(name: string): Tensor<R> {
    if (this.#disposed) throw new DisposedError(this.#owner);
    const found = this.#tensors.get(name);
    assertArgument({ name }, `a parameter of ${this.#owner}`, found);
    return found as Tensor<R>;
  }

  /** `name.weight` and `name.bias`. */
  affine<R extends Rank, S extends Rank>(name: string): { weight: Tensor<R>; bias: Tensor<S> } {
    return { weight: this.get<R>(`${name}.weight`), bias: this.get<S>(`${name}.bias`) };
  }

  /** Makes a tensor of values already in the loaded layout. It outlives any tidy. */
  set(name: string, values: Float32Array, shape: readonly number[]): void {
    this.#tensors.set(name, keep(tensor(values, [...shape], 'float32')));
  }

  /** Makes a parameter's tensor of values as stored. */
  setStored(parameter: Parameter, values: Float32Array): void {
    this.set(parameter.name, arrange(parameter, values), parameter.shape);
  }

  dispose(): void {
    dispose([...this.#tensors.values()]);
    this.#tensors.clear();
    this.#disposed = true;
  }
}

/** What a model is made of. */
export interface ModelParts<C> {
  readonly config: C;
  /** Every tensor of the model. Owned by it from here on. */
  readonly weights: Weights;
}
