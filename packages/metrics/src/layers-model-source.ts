import { CheckpointError, type WeightSource } from '@harmonica/core';
import { io, type Tensor } from '@tensorflow/tfjs-core';

/** What {@link layersModelSource} needs. */
interface LayersModelSourceOptions {
  readonly artifacts: io.ModelArtifacts;
  /** For error messages. */
  readonly path: string;
}

/** Bytes of an element as stored. */
const SIZES: Readonly<Record<string, number>> = { float32: 4, float16: 2, uint16: 2, uint8: 1 };

/**
 * The weights of a layers model of TensorFlow.js, quantized or not, read one by one.
 *
 * @throws {@link CheckpointError} if there are no weights, not as many bytes as they need, or types other than floats
 */
export function layersModelSource(options: LayersModelSourceOptions): WeightSource {
  const { path } = options;
  const { entries, data } = placedWeights(options);
  const entry = (name: string): PlacedWeight => {
    const found = entries.get(name);
    if (found) return found;
    throw new CheckpointError({ path, key: name, problem: 'is missing' });
  };
  return {
    path,
    names: [...entries.keys()],
    info: (name) => {
      const { spec } = entry(name);
      return { shape: spec.shape, dtype: typeOf(spec) };
    },
    async read(name) {
      const { spec, start, end } = entry(name);
      const tensor = io.decodeWeights(data.slice(start, end), [spec])[name] as Tensor;
      try {
        return (await tensor.data<'float32'>()).slice();
      } finally {
        tensor.dispose();
      }
    },
    close: async () => {},
  };
}

/** A weight, and which bytes hold it. */
interface PlacedWeight {
  readonly spec: io.WeightsManifestEntry;
  readonly start: number;
  readonly end: number;
}

function placedWeights({ artifacts, path }: LayersModelSourceOptions) {
  const { weightSpecs = [], weightData = [] } = artifacts;
  const data = joined([weightData].flat());
  const entries = new Map<string, PlacedWeight>();
  let end = 0;
  for (const spec of weightSpecs) {
    const size = SIZES[typeOf(spec)];
    if (spec.dtype !== 'float32' || size === undefined) {
      throw new CheckpointError({
        path,
        key: spec.name,
        problem: `is stored as ${typeOf(spec)} where one of ${Object.keys(SIZES).join(', ')} is expected`,
      });
    }
    const start = end;
    end += spec.shape.reduce((a, b) => a * b, size);
    if (spec.group !== 'optimizer') entries.set(spec.name, { spec, start, end });
  }
  if (entries.size === 0 || data.byteLength !== end) {
    throw new CheckpointError({
      path,
      problem: `has ${data.byteLength} bytes of weights where ${end} are expected for ${entries.size} tensors`,
      fix: 'Read model.json and all its shards, in order.',
    });
  }
  return { entries, data };
}

/** Not `io.CompositeArrayBuffer`, which misreads a last shard that is larger than the others (TensorFlow.js 4.22). */
function joined(shards: readonly ArrayBuffer[]): ArrayBuffer {
  const [only] = shards;
  if (only && shards.length === 1) return only;
  const all = new Uint8Array(shards.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let start = 0;
  for (const shard of shards) {
    all.set(new Uint8Array(shard), start);
    start += shard.byteLength;
  }
  return all.buffer;
}

function typeOf({ dtype, quantization }: io.WeightsManifestEntry): string {
  return quantization?.dtype ?? dtype;
}
