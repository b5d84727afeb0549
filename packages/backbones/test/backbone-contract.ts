import { type Backbone, type Branch, DisposedError, type Stream } from '@harmonica/core';
import { engine, memory, type Tensor, type Tensor4D, tidy } from '@tensorflow/tfjs-core';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { forward } from '../src/layers/stream.js';
import { directionalError } from './derivative.js';
import { relativeError } from './fixture.js';
import { kernelsOf } from './kernels.js';
import type { ModelInput } from './parity.js';

export interface BackboneContract {
  readonly name: string;
  readonly create: () => Backbone;
  /** Inputs of a batch whose first samples are those of a smaller batch. */
  readonly input: (batch: number) => ModelInput;
}

/** Tests that every backbone must pass, whatever it computes. Needs the gradients of `@tensorflow/tfjs`. */
export function describeBackbone({ name, create, input }: BackboneContract): void {
  describe(`the contract of ${name}`, () => {
    let backbone: Backbone;
    beforeAll(() => {
      backbone = create();
    });
    afterAll(() => backbone.dispose());
    afterEach(() => vi.restoreAllMocks());

    const begin = (): Stream => {
      const { latent, time, condition } = input(2);
      return backbone.begin(latent, time, condition);
    };
    const after = (branch: Branch, stream: Stream): Stream => ({
      ...stream,
      state: backbone.merge(branch, stream, backbone.compute(branch, stream)),
    });

    it('has branches of the shape that its spec states, each of which changes the tokens', () => {
      tidy(() => {
        const { tokens, branches } = backbone.spec;
        let stream = begin();
        for (const branch of branches) {
          const output = backbone.compute(branch, stream);
          expect(output.shape).toEqual([2, tokens.count, tokens.width]);
          const next = after(branch, stream);
          const [a, b] = [next, stream].map(({ state }) => (state.tokens as Tensor).dataSync());
          expect(relativeError(a as Float32Array, b as Float32Array)).toBeGreaterThan(0.01);
          stream = next;
        }
        const { height, width } = backbone.spec.latent;
        expect(backbone.end(stream).shape).toEqual([
          2,
          height,
          width,
          backbone.spec.outputChannels,
        ]);
      });
    });

    it('keeps names and shapes of the state through every branch', () => {
      tidy(() => {
        const shapes = ({ state }: Stream) =>
          Object.fromEntries(Object.entries(state).map(([key, { shape }]) => [key, shape]));
        let stream = begin();
        const first = shapes(stream);
        for (const branch of backbone.spec.branches) {
          stream = after(branch, stream);
          expect(shapes(stream)).toEqual(first);
        }
      });
    });

    it('treats every sample of a batch alone', () => {
      tidy(() => {
        const whole = forward({ backbone, ...input(2) });
        const single = forward({ backbone, ...input(1) });
        expect(single.dataSync()).toEqual(whole.dataSync().subarray(0, single.size));
      });
    });

    it('never reads a tensor, so that it can be traced', () => {
      const given = input(1);
      const reads = [vi.spyOn(engine(), 'readSync'), vi.spyOn(engine(), 'read')];
      forward({ backbone, ...given }).dispose();
      for (const read of reads) expect(read).not.toHaveBeenCalled();
    });

    it('runs the same kernels with the same attributes for every batch, of rank 4 at most', () => {
      const calls = [1, 3].map((batch) => {
        const given = input(batch);
        return kernelsOf(() => forward({ backbone, ...given }));
      });
      const [one, three] = calls.map((each) =>
        each.map(({ name: kernel, attributes }) => ({ kernel, attributes })),
      );
      expect(three).toEqual(one);
      const ranks = calls.flat().flatMap(({ shapes }) => shapes.map((shape) => shape.length));
      expect(Math.max(...ranks)).toBe(4);
    });

    it('has gradients that agree with central differences, of every branch and of the end', () => {
      tidy(() => {
        let stream = begin();
        for (const branch of backbone.spec.branches) {
          const at = stream;
          const f = (tokens: Tensor) =>
            after(branch, { ...at, state: { ...at.state, tokens } }).state.tokens as Tensor;
          expect(directionalError(f, at.state.tokens as Tensor)).toBeLessThan(1e-2);
          stream = after(branch, at);
        }
        const last = stream;
        const end = (tokens: Tensor) => backbone.end({ ...last, state: { ...last.state, tokens } });
        expect(directionalError(end, last.state.tokens as Tensor)).toBeLessThan(1e-2);
      });
    });

    it('has a gradient by its latent that agrees with central differences', () => {
      tidy(() => {
        const { latent, time, condition } = input(1);
        const f = (x: Tensor) => forward({ backbone, latent: x as Tensor4D, time, condition });
        expect(directionalError(f, latent)).toBeLessThan(1e-2);
      });
    });

    it('leaves nothing behind but its output, and nothing after dispose', () => {
      const before = memory().numTensors;
      const own = create();
      const given = input(1);
      const loaded = memory().numTensors;
      const output = forward({ backbone: own, ...given });
      expect(memory().numTensors).toBe(loaded + 1);
      const { latent, time, condition } = given;
      for (const each of [output, latent, time, ...Object.values(condition)]) each.dispose();
      own.dispose();
      expect(memory().numTensors).toBe(before);
      tidy(() => {
        expect(() => forward({ backbone: own, ...input(1) })).toThrowError(DisposedError);
      });
    });
  });
}
