import {
  add,
  cos,
  dispose,
  gather,
  matMul,
  mean,
  mul,
  reshape,
  rsqrt,
  slice,
  softmax,
  square,
  sub,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  type Tensor4D,
  tanh,
  tensor,
} from '@tensorflow/tfjs-core';
import type { Backbone, BackboneSpec, Branch, NamedTensors, Stream } from './backbone.js';
import { createRng } from './rng.js';

const SIZE = 4;
const CHANNELS = 4;
const WIDTH = 8;
const CLASSES = 3;
const BLOCKS = 2;

/**
 * A real but very small transformer denoiser with random weights (4 x 4 x 4 latents, 16 tokens of width 8, two blocks
 * of attention and MLP, three classes): what conformance cases and tests of the sampling loop run on.
 */
export function createTinyBackbone(seed = 7): Backbone {
  const rng = createRng({ seed });
  const weights: Record<string, Tensor> = {};
  const random = (name: string, shape: [number, number]): void => {
    const values = rng.fillNormal(new Float32Array(shape[0] * shape[1]));
    weights[name] = tensor(
      values.map((v) => v / Math.sqrt(shape[0])),
      shape,
    );
  };
  random('embed', [CHANNELS, WIDTH]);
  random('class', [CLASSES + 1, WIDTH]);
  random('time', [1, WIDTH]);
  random('final', [WIDTH, 2 * CHANNELS]);
  for (let block = 0; block < BLOCKS; block++) {
    random(`${block}.modulation`, [WIDTH, 6 * WIDTH]);
    random(`${block}.qkv`, [WIDTH, 3 * WIDTH]);
    random(`${block}.up`, [WIDTH, 2 * WIDTH]);
    random(`${block}.down`, [2 * WIDTH, WIDTH]);
  }
  const weight = (name: string): Tensor2D => weights[name] as Tensor2D;

  return {
    spec: tinySpec(),
    begin(latent, time, condition) {
      const flat = reshape(latent, [-1, CHANNELS]);
      const tokens = reshape(matMul(flat, weight('embed')), [-1, SIZE * SIZE, WIDTH]);
      const phase: Tensor2D = reshape(mul(time as Tensor1D, 0.01), [-1, 1]);
      const labels = condition.labels as Tensor1D;
      const embedded = add(cos(matMul(phase, weight('time'))), gather(weight('class'), labels));
      const context: Record<string, Tensor> = {};
      for (let block = 0; block < BLOCKS; block++) {
        const modulation = matMul(embedded as Tensor2D, weight(`${block}.modulation`));
        context[`modulation.${block}`] = reshape(modulation, [-1, 6, WIDTH]);
      }
      return { state: { tokens }, context };
    },
    input,
    compute(branch, stream) {
      const x = input(branch, stream);
      const project = (input: Tensor, name: string) => {
        const [rows, columns] = weight(name).shape;
        return reshape(matMul(reshape(input, [-1, rows]), weight(name)), [
          -1,
          SIZE * SIZE,
          columns,
        ]);
      };
      if (branch.kind === 'mlp') {
        return project(tanh(project(x, `${branch.block}.up`)), `${branch.block}.down`);
      }
      const qkv = project(x, `${branch.block}.qkv`);
      const [q, k, v] = [0, 1, 2].map((i) => {
        const [batch, count] = qkv.shape as [number, number, number];
        return slice(qkv, [0, 0, i * WIDTH], [batch, count, WIDTH]);
      }) as [Tensor, Tensor, Tensor];
      const attention = softmax(mul(matMul(q, k, false, true), 1 / Math.sqrt(WIDTH)));
      return matMul(attention, v);
    },
    merge(branch, stream, output) {
      const [, , gate] = modulationOf(branch, stream);
      return { tokens: add(stream.state.tokens as Tensor, mul(gate, output)) };
    },
    end(stream) {
      const tokens = normalize(stream.state.tokens as Tensor3D);
      const output = matMul(reshape(tokens, [-1, WIDTH]), weight('final'));
      return reshape(output, [-1, SIZE, SIZE, 2 * CHANNELS]) as Tensor4D;
    },
    dispose: () => dispose(weights),
  };
}

function tinySpec(): BackboneSpec {
  const tokens = SIZE * SIZE;
  const kinds = ['attention', 'mlp'] as const;
  const branches = Array.from({ length: BLOCKS }, (_, block) =>
    kinds.map((kind) => ({ block, kind })),
  )
    .flat()
    .map((branch, index) => ({ index, ...branch }));
  const attentionMacs = 3 * tokens * WIDTH * WIDTH + 2 * tokens * tokens * WIDTH;
  const mlpMacs = 4 * tokens * WIDTH * WIDTH;
  return {
    name: 'tiny',
    latent: { height: SIZE, width: SIZE, channels: CHANNELS },
    outputChannels: 2 * CHANNELS,
    prediction: 'epsilon',
    tokens: { count: tokens, width: WIDTH },
    condition: [{ name: 'labels', dtype: 'int32', shape: [], below: CLASSES + 1 }],
    nullCondition: { labels: [CLASSES] },
    branches,
    macs: {
      begin: tokens * CHANNELS * WIDTH + WIDTH + BLOCKS * 6 * WIDTH * WIDTH,
      branches: branches.map(({ kind }) => (kind === 'mlp' ? mlpMacs : attentionMacs)),
      end: tokens * WIDTH * 2 * CHANNELS,
    },
  };
}

function input(branch: Branch, stream: Stream): Tensor {
  const [shift, scale] = modulationOf(branch, stream);
  return add(mul(normalize(stream.state.tokens as Tensor3D), add(scale, 1)), shift);
}

/** Shift, scale and gate of the branch, each `[batch, 1, width]`. */
function modulationOf(branch: Branch, stream: Stream): [Tensor, Tensor, Tensor] {
  const all = (stream.context as NamedTensors)[`modulation.${branch.block}`] as Tensor3D;
  const first = branch.kind === 'mlp' ? 3 : 0;
  const pick = (i: number) => slice(all, [0, first + i, 0], [all.shape[0], 1, WIDTH]);
  return [pick(0), pick(1), pick(2)];
}

function normalize(x: Tensor3D): Tensor {
  const centred = sub(x, mean(x, -1, true));
  return mul(centred, rsqrt(add(mean(square(centred), -1, true), 1e-6)));
}
