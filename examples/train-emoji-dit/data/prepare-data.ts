/**
 * Rasterises the emoji of five icon sets to 128 x 128 WebP pictures labelled with their Unicode
 * subgroup, packed into two shards. The output is the same on every run.
 *
 *     npm install && npm run prepare-data -- [output folder, default ../prepared]
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import {
  createSubgroupLookup,
  type EmojiRecord,
  findSubgroup,
  type SubgroupLookup,
} from '../emoji-subgroups.js';
import { type Icon, PICTURE_SIZE, toSquareSvg } from '../icon-svg.js';
import {
  countBySubgroup,
  createShardIndex,
  dealIntoShards,
  type ImageSource,
  SHARDS,
  sortSources,
} from '../image-shards.js';

const ICON_SETS = ['noto', 'noto-v1', 'fluent-emoji', 'fluent-emoji-flat', 'twemoji'] as const;
const ENCODING = { quality: 90, effort: 2, smartSubsample: true } as const;
/** Pictures drawn at the same time. */
const CONCURRENCY = 4 * availableParallelism();

/** The contents of an icon set's `icons.json`, as far as they are used here. */
interface IconSet {
  readonly width?: number;
  readonly height?: number;
  readonly icons: Readonly<Record<string, { body: string; width?: number; height?: number }>>;
}

interface DrawableSource extends ImageSource {
  readonly icon: Icon;
}

/** Iconify's size of an icon that states none. */
const DEFAULT_ICON_SIZE = 16;

const resolver = createRequire(import.meta.url);

async function readPackageJson<Contents>(specifier: string): Promise<Contents> {
  try {
    return JSON.parse(await readFile(resolver.resolve(specifier), 'utf8')) as Contents;
  } catch (cause) {
    throw new Error(`cannot read ${specifier}: run "npm install" in this folder first`, { cause });
  }
}

async function readSubgroups(): Promise<SubgroupLookup> {
  const records = await readPackageJson<EmojiRecord[]>('emojibase-data/en/data.json');
  const groups = await readPackageJson<{ subgroups: Record<number, string> }>(
    'emojibase-data/meta/groups.json',
  );
  return createSubgroupLookup(records, groups.subgroups);
}

/** The icons of one set that show an emoji. */
async function readSources(iconSet: string, subgroups: SubgroupLookup): Promise<DrawableSource[]> {
  const set = await readPackageJson<IconSet>(`@iconify-json/${iconSet}/icons.json`);
  return Object.entries(set.icons).flatMap(([name, icon]) => {
    const subgroup = findSubgroup(subgroups, name);
    if (subgroup === undefined) return [];
    const width = icon.width ?? set.width ?? DEFAULT_ICON_SIZE;
    const height = icon.height ?? set.height ?? DEFAULT_ICON_SIZE;
    return [{ iconSet, name, subgroup, icon: { body: icon.body, width, height } }];
  });
}

/** One picture on white, as WebP. */
async function drawPicture({ iconSet, name, icon }: DrawableSource): Promise<Buffer> {
  try {
    return await sharp(Buffer.from(toSquareSvg(icon)))
      .resize(PICTURE_SIZE, PICTURE_SIZE)
      .flatten({ background: 'white' })
      .webp(ENCODING)
      .toBuffer();
  } catch (cause) {
    throw new Error(`cannot draw icon "${name}" of @iconify-json/${iconSet}`, { cause });
  }
}

async function drawPictures(
  sources: readonly DrawableSource[],
  onProgress: (drawn: number) => void,
): Promise<Buffer[]> {
  const pictures: Buffer[] = [];
  for (let start = 0; start < sources.length; start += CONCURRENCY) {
    const batch = sources.slice(start, start + CONCURRENCY);
    pictures.push(...(await Promise.all(batch.map(drawPicture))));
    onProgress(pictures.length);
  }
  return pictures;
}

async function writeShard(
  folder: string,
  number: number,
  sources: readonly DrawableSource[],
): Promise<void> {
  const pictures = await drawPictures(sources, (drawn) => {
    if (process.stdout.isTTY) process.stdout.write(`\rshard ${number}: ${drawn}/${sources.length}`);
  });
  const placed = sources.map((source, i) => ({ source, length: pictures[i]?.length ?? 0 }));
  const name = path.join(folder, `shard-${number}`);
  await writeFile(`${name}.bin`, Buffer.concat(pictures));
  await writeFile(`${name}.json`, JSON.stringify(createShardIndex(placed, PICTURE_SIZE)));
  console.log(`${process.stdout.isTTY ? '\r' : ''}${name}: ${pictures.length} pictures`);
}

async function main(): Promise<void> {
  const preparedFolder = fileURLToPath(new URL('../prepared', import.meta.url));
  const folder = path.resolve(process.argv[2] ?? preparedFolder);
  await mkdir(folder, { recursive: true });

  const subgroups = await readSubgroups();
  const sets = await Promise.all(ICON_SETS.map((iconSet) => readSources(iconSet, subgroups)));
  const sources = sortSources(sets.flat());
  for (const [number, shard] of dealIntoShards(sources, SHARDS).entries()) {
    await writeShard(folder, number, shard);
  }
  console.log(`${sources.length} pictures of ${countBySubgroup(sources).size} subgroups`);
}

await main();
