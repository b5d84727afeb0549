import { stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { CheckpointError, FileError, throwIfAborted } from '@harmonica/core';
import { openHubFolder } from './hub-folder.js';
import { type HubOptions, hubSettings } from './hub-options.js';
import { openLocalFolder } from './local-folder.js';
import type { ModelFolder } from './model-folder.js';
import { type ModelParts, partsOf } from './model-parts.js';
import { nearestNames } from './nearest-names.js';
import { isWeightFile } from './weight-files.js';

/** Options of {@link loadModel}. Those of {@link HubOptions} matter for models of a hub only. */
export interface LoadModelOptions extends HubOptions {
  /** Which of several forms of the weights, by the mark in their names, such as `fp16`. None by default. */
  readonly variant?: string;
  /** Which part of PyTorch files, such as `ema`. Default: everything. */
  readonly select?: string;
}

/** Where a model is: owner, name and, for one file of many, the path within. */
const HUB_NAME = /^([\w-][\w.-]*\/[\w-][\w.-]*)(?:\/(.+))?$/;

/**
 * Finds a model and reads its configurations. Weights are downloaded when they are opened, and read when their tensors are.
 *
 * @param model a folder in diffusers' layout (`model_index.json` and a folder for each component) or with the files of one
 *   component; one file (`.safetensors`, `.pt`, `.pth`); or the name of a model on the hub (`facebook/DiT-XL-2-256`), with
 *   the path of a file where one file is the model (`owner/name/model.pth`). What exists on this machine goes first.
 * @throws {@link FileError} if there is no such file or folder, or it cannot be read
 * @throws {@link DownloadError} if the hub does not give it
 * @throws {@link CheckpointError} if a configuration is malformed, or the hub's model has no such file
 * @throws {@link InvalidArgumentError} if an option is outside its range
 * @throws {@link AbortedError}
 */
export async function loadModel(
  model: string,
  options: LoadModelOptions = {},
): Promise<ModelParts> {
  const { variant, select, ...hubOptions } = options;
  throwIfAborted(options.signal, `Loading ${model}`);
  return partsOf({ ...(await findModel(model, hubOptions)), variant, select });
}

/** The folder that a model is in, and its file there if it is only one. */
interface FoundModel {
  readonly folder: ModelFolder;
  readonly file?: string;
}

async function findModel(model: string, options: HubOptions): Promise<FoundModel> {
  const stats = await stat(model).catch(() => undefined);
  if (stats?.isDirectory()) return { folder: await openLocalFolder({ path: model }) };
  if (stats) {
    return { folder: await openLocalFolder({ path: dirname(model) }), file: basename(model) };
  }
  const [, repository, file] = HUB_NAME.exec(model) ?? [];
  if (repository === undefined || isWeightFile(repository)) throw notFound(model);
  const folder = await openHubFolder({ repository, settings: await hubSettings(options) });
  if (file === undefined) return { folder };
  if (folder.files.includes(file)) return { folder, file };
  throw new CheckpointError({
    path: `${folder.name}/${file}`,
    problem: 'the model has no such file',
    fix: `The nearest of its files: ${nearestNames({ name: file, names: folder.files }).join(', ')}.`,
  });
}

function notFound(model: string): FileError {
  return new FileError({
    path: model,
    problem: 'there is no such file or folder',
    fix: 'Check the path, or give the name of a model on the hub, such as facebook/DiT-XL-2-256.',
  });
}
