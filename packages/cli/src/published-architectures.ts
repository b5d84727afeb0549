import {
  DIT_SIZES,
  ditConfig,
  PIXART_MODELS,
  pixartConfig,
  SIT_SIZES,
  sitConfig,
  UVIT_MODELS,
  uvitConfig,
} from '@harmonica/backbones';
import { type Architecture, architectureOf } from './architecture.js';

type Entry = readonly [name: string, make: () => Architecture];

/**
 * The architecture of a published model: under the name that its authors gave it (`DiT-XL/2`, `PixArt-XL-2-256x256`,
 * `imagenet256_uvit_huge`), or one in lower case with the size of its images (`dit-xl-2-512`, `pixart-alpha-256`,
 * `uvit-h-2`).
 *
 * @returns undefined for any other name
 */
export function publishedArchitecture(name: string): Architecture | undefined {
  return entries().get(slugOf(name))?.();
}

/** What their authors call the published models, smallest first within a family. */
export const PUBLISHED_NAMES: readonly string[] = [
  ...DIT_SIZES,
  ...SIT_SIZES,
  ...PIXART_MODELS,
  ...UVIT_MODELS,
];

function entries(): ReadonlyMap<string, () => Architecture> {
  return new Map([...ditEntries(), ...sitEntries(), ...pixartEntries(), ...uvitEntries()]);
}

function ditEntries(): Entry[] {
  return DIT_SIZES.flatMap((size): Entry[] => {
    const at256 = () => architectureOf('dit', ditConfig(size));
    const at512 = () => architectureOf('dit', ditConfig(size, { inputSize: 64 }));
    return bySize(size, at256, at512);
  });
}

function sitEntries(): Entry[] {
  return SIT_SIZES.flatMap((size): Entry[] => {
    const at256 = () => architectureOf('sit', sitConfig(size));
    const large = { inputSize: 64, learnSigma: false };
    const at512 = () => architectureOf('sit', sitConfig(size, large));
    return bySize(size, at256, at512);
  });
}

function bySize(size: string, at256: () => Architecture, at512: () => Architecture): Entry[] {
  const slug = slugOf(size);
  return [
    [slug, at256],
    [`${slug}-256`, at256],
    [`${slug}-512`, at512],
  ];
}

function pixartEntries(): Entry[] {
  return PIXART_MODELS.flatMap((model): Entry[] => {
    const make = () => architectureOf('pixart', pixartConfig(model));
    const [, sigma, resolution = ''] =
      /^PixArt-(Sigma-)?XL-2-(\w+?)(?:x\d+|-MS)$/.exec(model) ?? [];
    const short = `pixart-${sigma ? 'sigma' : 'alpha'}-${slugOf(resolution)}`;
    return [
      [short, make],
      [slugOf(model), make],
    ];
  });
}

/** A short name for those whose own name is theirs alone. */
function uvitEntries(): Entry[] {
  const names = UVIT_MODELS.map((model) => uvitConfig(model).name);
  return UVIT_MODELS.flatMap((model): Entry[] => {
    const make = () => architectureOf('uvit', uvitConfig(model));
    const { name } = uvitConfig(model);
    const long: Entry = [slugOf(model), make];
    return names.filter((other) => other === name).length > 1
      ? [long]
      : [[slugOf(name), make], long];
  });
}

/** In lower case, with hyphens between its parts. */
function slugOf(name: string): string {
  return name
    .toLowerCase()
    .replace('u-vit', 'uvit')
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replace(/-$/, '');
}
