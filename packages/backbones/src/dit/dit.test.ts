import '@tensorflow/tfjs';
import {
  type Backbone,
  type Branch,
  DisposedError,
  DTypeError,
  InvalidArgumentError,
  ShapeError,
  type Stream,
} from '@harmonica/core';
import {
  engine,
  keep,
  memory,
  slice,
  type Tensor,
  type Tensor1D,
  type Tensor4D,
  type TensorContainer,
  tensor1d,
  tidy,
  zeros,
} from '@tensorflow/tfjs-core';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { directionalError, randomTensor } from '../../test/derivative.js';
import { relativeError } from '../../test/fixture.js';
import { kernelsOf } from '../../test/kernels.js';
import { classLabels, forward } from '../layers/stream.js';
import type { DitConfig } from './dit.js';
import { randomDit } from './dit-family.js';

const CONFIG: DitConfig = {
  name: 'small',
  depth: 2,
  hiddenSize: 24,
  heads: 2,
  patchSize: 2,
  mlpRatio: 4,
  inputSize: 6,
  inChannels: 3,
  numClasses: 5,
  learnSigma: true,
};
const BATCH = 2;

let backbone: Backbone;
beforeAll(() => {
  backbone = randomDit({ config: CONFIG, seed: 1 });
});
afterAll(() => backbone.dispose());
afterEach(() => vi.restoreAllMocks());

const input = (batch = BATCH) => ({
  latent: randomTensor(2, [batch, 6, 6, 3]) as Tensor4D,
  time: tensor1d([800, 20, 3].slice(0, batch)),
  condition: classLabels({ config: CONFIG, labels: [4, 5, 0].slice(0, batch) }),
});
const begin = (): Stream => {
  const { latent, time, condition } = input();
  return backbone.begin(latent, time, condition);
};
/** A stream that outlives the tidy it is made in. */
function keptStream(): Stream {
  const streams: Stream[] = [];
  tidy(() => {
    const { state, context } = begin();
    for (const each of [...Object.values(state), ...Object.values(context)]) keep(each);
    streams.push({ state, context });
  });
  return streams[0] as Stream;
}
const merged = (branch: Branch, stream: Stream): Stream => ({
  ...stream,
  state: backbone.merge(branch, stream, backbone.compute(branch, stream)),
});
const branch = (index: number) => backbone.spec.branches[index] as Branch;

describe('the stream of a DiT', () => {
  it('has tokens, and a modulation for every block and the final layer', () => {
    tidy(() => {
      const { state, context } = begin();
      expect(state.tokens?.shape).toEqual([BATCH, 9, 24]);
      const shapes = Object.entries(context).map(([name, { shape }]) => [name, shape]);
      expect(Object.fromEntries(shapes)).toEqual({
        'modulation.0': [BATCH, 6, 24],
        'modulation.1': [BATCH, 6, 24],
        final: [BATCH, 2, 24],
      });
    });
  });

  it('is changed by every branch', () => {
    tidy(() => {
      const stream = begin();
      for (const each of backbone.spec.branches) {
        const before = stream.state.tokens as Tensor;
        const after = backbone.merge(each, stream, backbone.compute(each, stream)).tokens as Tensor;
        expect(relativeError(after.dataSync(), before.dataSync())).toBeGreaterThan(0.01);
      }
    });
  });

  it('treats every sample of a batch alone', () => {
    tidy(() => {
      const { latent, time } = input();
      const whole = forward({ backbone, ...input() });
      const single = forward({
        backbone,
        latent: slice(latent, [1, 0, 0, 0], [1, -1, -1, -1]),
        time: slice(time, [1], [1]),
        condition: classLabels({ config: CONFIG, labels: [5] }),
      });
      const [, ...sample] = whole.shape;
      expect(single.shape).toEqual([1, ...sample]);
      expect(single.dataSync()).toEqual(whole.dataSync().subarray(single.size));
    });
  });
});

describe('tracing a DiT', () => {
  it('never reads a tensor', () => {
    const { latent, time, condition } = input();
    const read = vi.spyOn(engine(), 'readSync');
    const readLater = vi.spyOn(engine(), 'read');
    forward({ backbone, latent, time, condition }).dispose();
    expect(read).not.toHaveBeenCalled();
    expect(readLater).not.toHaveBeenCalled();
  });

  it.each(['attention', 'mlp'] as const)('runs the same kernels in every %s branch', (kind) => {
    const stream = keptStream();
    const branches = backbone.spec.branches.filter((each) => each.kind === kind);
    const [first, ...others] = branches.map((each) =>
      kernelsOf(() => ({ ...merged(each, stream).state })),
    );
    expect(others).toHaveLength(CONFIG.depth - 1);
    for (const other of others) expect(other).toEqual(first);
  });

  it('runs the same kernels, with the same attributes, for every batch size', () => {
    const calls = [1, 3].map((batch) =>
      kernelsOf(() => forward({ backbone, ...input(batch) })).map(({ name, attributes }) => ({
        name,
        attributes,
      })),
    );
    expect(calls[0]).toEqual(calls[1]);
  });

  it('takes few kernels, as the README lists', () => {
    const stream = keptStream();
    const tokens = stream.state.tokens as Tensor;
    const { latent, time, condition } = input();
    const count = (run: () => TensorContainer) => kernelsOf(run).length;
    expect({
      begin: count(() => ({ ...backbone.begin(latent, time, condition).context })),
      attention: count(() => backbone.compute(branch(0), stream)),
      mlp: count(() => backbone.compute(branch(1), stream)),
      merge: count(() => ({ ...backbone.merge(branch(0), stream, tokens) })),
      end: count(() => backbone.end(stream)),
    }).toEqual({ begin: 23 + 3 * (CONFIG.depth + 1), attention: 29, mlp: 26, merge: 3, end: 19 });
  });

  it('keeps to tensors of rank 4 at most, which every backend transposes fast', () => {
    const { latent, time, condition } = input();
    const calls = kernelsOf(() => forward({ backbone, latent, time, condition }));
    const ranks = calls.flatMap(({ shapes }) => shapes.map((shape) => shape.length));
    expect(Math.max(...ranks)).toBe(4);
  });
});

describe('the gradient of a DiT', () => {
  it.each([0, 1, 2, 3])(
    'of branch %i, joined by its gate, agrees with central differences',
    (index) => {
      tidy(() => {
        const stream = begin();
        const f = (tokens: Tensor) =>
          merged(branch(index), { ...stream, state: { tokens } }).state.tokens as Tensor;
        const g = (tokens: Tensor) =>
          backbone.compute(branch(index), { ...stream, state: { tokens } });
        expect(directionalError(f, stream.state.tokens as Tensor)).toBeLessThan(1e-2);
        expect(directionalError(g, stream.state.tokens as Tensor)).toBeLessThan(1e-2);
      });
    },
  );

  it('of the end agrees with central differences', () => {
    tidy(() => {
      const stream = begin();
      const f = (tokens: Tensor) => backbone.end({ ...stream, state: { tokens } });
      expect(directionalError(f, stream.state.tokens as Tensor)).toBeLessThan(1e-2);
    });
  });

  it('of the whole model by its latent agrees with central differences', () => {
    tidy(() => {
      const { latent, time, condition } = input();
      const f = (x: Tensor) => forward({ backbone, latent: x as Tensor4D, time, condition });
      expect(directionalError(f, latent)).toBeLessThan(1e-2);
    });
  });
});

describe('the lifetime of a DiT', () => {
  it('leaves nothing behind but its output, and nothing after dispose', () => {
    const before = memory().numTensors;
    const own = randomDit({ config: CONFIG, seed: 3 });
    const { latent, time, condition } = input();
    const loaded = memory().numTensors;
    const output = forward({ backbone: own, latent, time, condition });
    expect(memory().numTensors).toBe(loaded + 1);
    for (const each of [output, latent, time, ...Object.values(condition)]) each.dispose();
    own.dispose();
    expect(memory().numTensors).toBe(before);
  });

  it('keeps weights that were made inside a tidy', () => {
    const own = tidy(() => {
      const made = randomDit({ config: CONFIG, seed: 1 });
      return { made } as unknown as Record<string, never>;
    }) as unknown as { made: Backbone };
    tidy(() => {
      const output = forward({ backbone: own.made, ...input() });
      expect(output.dataSync()).toEqual(forward({ backbone, ...input() }).dataSync());
    });
    own.made.dispose();
  });

  it('refuses use after dispose', () => {
    const own = randomDit({ config: CONFIG, seed: 3 });
    own.dispose();
    tidy(() => {
      expect(() => forward({ backbone: own, ...input() })).toThrowError(DisposedError);
    });
  });
});

describe('bad input to a DiT', () => {
  it.each([
    ['a latent of another size', ShapeError, { latent: () => zeros([BATCH, 6, 8, 3]) }],
    ['a latent of rank 3', ShapeError, { latent: () => zeros([BATCH, 6, 6]) }],
    ['another number of times', ShapeError, { time: () => zeros([1]) }],
    ['another number of labels', ShapeError, { labels: () => zeros([3], 'int32') }],
    ['labels that are not int32', DTypeError, { labels: () => zeros([BATCH]) }],
  ])('names %s', (_, kind, fault: Record<string, () => Tensor>) => {
    tidy(() => {
      const { latent, time, condition } = input();
      const call = () =>
        backbone.begin(
          (fault.latent?.() ?? latent) as Tensor4D,
          (fault.time?.() ?? time) as Tensor1D,
          { labels: fault.labels?.() ?? (condition.labels as Tensor) },
        );
      expect(call).toThrowError(kind);
    });
  });

  it('names a missing condition, a foreign branch and a foreign stream', () => {
    tidy(() => {
      const { latent, time } = input();
      const stream = begin();
      const foreign: Branch = { index: 0, block: 0, kind: 'cross-attention' };
      const without = { ...stream, context: {} };
      expect(() => backbone.begin(latent, time, {})).toThrowError(/condition\.labels/);
      expect(() => backbone.compute(foreign, stream)).toThrowError(/attention or mlp/);
      expect(() => backbone.end(without)).toThrowError(InvalidArgumentError);
      expect(() => backbone.compute({ ...branch(0), block: 9 }, stream)).toThrowError(
        /modulation\.9/,
      );
    });
  });
});
