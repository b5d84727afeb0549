import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { DIT_SIZES, type DitConfig, type DitSize, ditConfig } from '@harmonica/backbones';
import { FileError, InvalidArgumentError, parseJson } from '@harmonica/core';
import { z } from 'zod';

/**
 * The architecture of a DiT: a published size, or a JSON file with the fields of a `DitConfig`, of which `depth`,
 * `hiddenSize`, `heads` and `patchSize` have no default.
 *
 * @throws {@link InvalidArgumentError} if it is neither
 * @throws {@link FileError}, {@link ConfigError} if the file cannot be read or is malformed
 */
export async function readDitConfig(sizeOrFile: string): Promise<DitConfig> {
  const size = DIT_SIZES.find((name) => name === sizeOrFile);
  if (size) return ditConfig(size);
  if (!sizeOrFile.endsWith('.json')) {
    throw new InvalidArgumentError({
      argument: '--dit',
      value: sizeOrFile,
      expected: `one of ${DIT_SIZES.join(', ')}, or a .json file with the fields of a DitConfig`,
    });
  }
  return parseJson({
    source: sizeOrFile,
    text: await readText(sizeOrFile),
    schema: schema(sizeOrFile),
  });
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new FileError({ path, problem: 'cannot be read', fix: 'Check the path.', cause });
  }
}

function schema(path: string): z.ZodType<DitConfig> {
  const count = () => z.number().int().positive();
  const published = ditConfig('DiT-XL/2' satisfies DitSize);
  return z.object({
    name: z.string().default(basename(path, '.json')),
    depth: count(),
    hiddenSize: count(),
    heads: count(),
    patchSize: count(),
    mlpRatio: z.number().positive().default(published.mlpRatio),
    inputSize: count().default(published.inputSize),
    inChannels: count().default(published.inChannels),
    numClasses: count().default(published.numClasses),
    learnSigma: z.boolean().default(published.learnSigma),
  }) as unknown as z.ZodType<DitConfig>;
}
