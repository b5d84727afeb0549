// What parts of programs in the documents leave out. Only its types are looked at: there is nothing behind them.
import type {
  Backbone,
  Branch,
  CacheSchedule,
  Executor,
  GenerateOptions,
  Guidance,
  NamedTensors,
  PixelImage,
  RouterFile,
  SamplerPlan,
  WeightSource,
} from '@harmonica/core';
import type { EmojiDit } from '@harmonica/emoji-dit';
import type { Tensor4D } from '@tensorflow/tfjs-core';

// A run.
export declare const run: GenerateOptions;
export declare const executor: Executor;
export declare const plan: SamplerPlan;
export declare const condition: NamedTensors;
export declare const guidance: Guidance;
export declare const latent: Tensor4D;
export declare const latent2k: Tensor4D;
export declare const images: AsyncIterable<readonly PixelImage[]>;

// A model and its files.
export declare const model: EmojiDit;
export declare const backbone: Backbone;
export declare const branches: readonly Branch[];
export declare const modelSha256: string;
export declare const ditFile: WeightSource;
export declare const vaeFile: WeightSource;

// A router, and what training knows of it.
export declare const router: RouterFile;
export declare const schedule: CacheSchedule;
export declare const scores: readonly (readonly number[])[];
export declare const costs: readonly number[];
export declare const error: number;
