import { InvalidArgumentError } from '@harmonica/core';
import {
  createImageEncoder,
  encodeImages,
  type LatentSet,
  labeledImages,
  type Pipeline,
  readLatents,
} from '@harmonica/pipeline';
import type { TrainingConfig } from '@harmonica/sdt';
import type { Command } from 'commander';
import type { CommandContext } from '../cli-context.js';

/** Where the images of Learning-to-Cache are. */
export interface TrainingImagesOptions {
  readonly images?: string | undefined;
  readonly classLabels?: string | undefined;
  readonly latents?: string | undefined;
}

/** Adds {@link TrainingImagesOptions}. */
export function addTrainingImages(command: Command): Command {
  return command
    .option('--images <folder>', 'of l2c: PNG files in one subfolder for each class')
    .option(
      '--class-labels <file>',
      'JSON of the classes of --images by path, instead of subfolders',
    )
    .option('--latents <file>', 'of l2c: safetensors with latents [count, h, w, c] and labels');
}

/** Options of {@link trainingImages}. */
export interface FindTrainingImagesOptions {
  readonly options: TrainingImagesOptions;
  readonly config: Pick<TrainingConfig, 'trainer'>;
  readonly pipeline: Pick<Pipeline, 'backend' | 'model'>;
  readonly context: CommandContext;
}

/**
 * The images that a trainer needs: those of Learning-to-Cache, encoded if they are pictures.
 *
 * @throws {@link InvalidArgumentError} if they are missing, not needed, or cannot be encoded; and as `readLatents`,
 * `labeledImages` and `encodeImages`
 */
export async function trainingImages(
  input: FindTrainingImagesOptions,
): Promise<LatentSet | undefined> {
  const { options, config, pipeline, context } = input;
  const { images, classLabels, latents } = options;
  assertGiven(options, config);
  const { conditions, backbone, encoder } = pipeline.model;
  if (latents !== undefined) {
    return readLatents({ path: latents, latent: backbone.spec.latent, conditions });
  }
  if (images === undefined) return undefined;
  if (!encoder) {
    throw new InvalidArgumentError({
      argument: '--vae',
      value: undefined,
      expected: 'an autoencoder, because images are to be encoded',
      fix: 'Or give --latents.',
    });
  }
  const found = await labeledImages({ folder: images, classLabels, conditions });
  const compiled = createImageEncoder({ encoder, backend: pipeline.backend });
  const { signal, onProgress } = context;
  return encodeImages({ images: found, encoder: compiled, signal, onProgress }).finally(() =>
    compiled.dispose(),
  );
}

function assertGiven(
  { images, classLabels, latents }: TrainingImagesOptions,
  { trainer }: Pick<TrainingConfig, 'trainer'>,
): void {
  const given = [images, latents].filter((source) => source !== undefined);
  const refuse = (argument: string, value: unknown, expected: string) => {
    throw new InvalidArgumentError({ argument, value, expected });
  };
  if (classLabels !== undefined && images === undefined) {
    refuse('--class-labels', classLabels, 'nothing without --images');
  }
  if (trainer === 'l2c' && given.length !== 1) {
    refuse('--images', images, 'a folder, or --latents and a file, because l2c trains on images');
  }
  if (trainer !== 'l2c' && given.length > 0) {
    refuse(
      images ? '--images' : '--latents',
      given[0],
      'nothing, because only --trainer l2c takes images',
    );
  }
}
