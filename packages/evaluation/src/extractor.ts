import { createHash } from 'node:crypto';
import type { LongCallOptions } from '@harmonica/core';
import { loadInception, loadNsfwjsInception } from '@harmonica/metrics';
import { compileFunction } from '@harmonica/onnx';
import type { Backend } from '@harmonica/pipeline';
import { hashFiles, openCheckpoint } from '@harmonica/weights';
import type { Tensor4D } from '@tensorflow/tfjs-core';
import type { RunningExtractor } from './measure-rows.js';

/** Options of {@link withExtractor}. */
export interface WithExtractorOptions<T> extends LongCallOptions {
  /** `nsfwjs`, or the file of the common PyTorch FID checkpoint. */
  readonly name: string;
  /** Outputs that are wanted; with none of them nothing is loaded. */
  readonly outputs: readonly string[];
  readonly backend: Backend;
  /** What to do with it. */
  readonly use: (extractor: RunningExtractor | undefined) => Promise<T>;
}

/**
 * Loads a feature extractor, compiled where the model is, and frees it after `use`.
 *
 * @throws as `loadInception` and `loadNsfwjsInception`
 */
export async function withExtractor<T>(options: WithExtractorOptions<T>): Promise<T> {
  const { name, outputs, backend, signal, use } = options;
  if (outputs.length === 0) return use(undefined);
  const extractor = await loadExtractor(name, signal);
  try {
    const { executionProvider, threads } = backend;
    if (!executionProvider) {
      return await use({ extractor, outputs, run: (images) => extractor.extract(images) });
    }
    const run = compileFunction((images: Tensor4D) => extractor.extract(images), {
      executionProviders: [executionProvider],
      ...(threads !== undefined && { threads }),
    });
    try {
      return await use({ extractor, outputs, run });
    } finally {
      await run.dispose();
    }
  } finally {
    extractor.dispose();
  }
}

/** SHA-256 of `pt_inception-2015-12-05-6726825d.pth`, which torch-fidelity has under another name. */
const PUBLISHED_SHA256 = '6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2';

async function loadExtractor(name: string, signal: AbortSignal | undefined) {
  if (name === 'nsfwjs') return loadNsfwjsInception({ signal });
  const source = await openCheckpoint(name);
  try {
    const isPublished = (await hashFiles([source.path])) === hashOf(PUBLISHED_SHA256);
    return await loadInception({
      source,
      ...(isPublished && { name: 'Inception 2015-12-05 (TensorFlow)' }),
      signal,
    });
  } finally {
    await source.close();
  }
}

/** What `hashFiles` gives for one file. */
function hashOf(sha256: string): string {
  return createHash('sha256').update(sha256).digest('hex');
}
