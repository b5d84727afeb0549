/**
 * Writes the pictures of the data set as PNG files, one subfolder for each subgroup: what `harmonica eval` compares
 * with and what `harmonica train --trainer l2c` learns from. Run `prepare-data` first.
 *
 *     npm run unpack-pictures -- [output folder, default ../pictures]
 */
import { mkdir, readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { countBySubgroup, SHARDS, type ShardImage, type ShardIndex } from '../image-shards.js';

/** Smaller subgroups are not in the data set; as `min_images_per_class` of `training/emoji_data.py`. */
const FEWEST_PICTURES = 20;

/** Pictures converted at the same time. */
const CONCURRENCY = 4 * availableParallelism();

interface PackedPicture extends ShardImage {
  /** WebP. */
  readonly bytes: Buffer;
}

async function readShard(folder: string, number: number): Promise<readonly PackedPicture[]> {
  const name = path.join(folder, `shard-${number}`);
  const data = await readFile(`${name}.bin`);
  const { images } = JSON.parse(await readFile(`${name}.json`, 'utf8')) as ShardIndex;
  return images.map((image) => ({
    ...image,
    bytes: data.subarray(image.offset, image.offset + image.length),
  }));
}

async function main(): Promise<void> {
  const here = (name: string) => fileURLToPath(new URL(`../${name}`, import.meta.url));
  const folder = path.resolve(process.argv[2] ?? here('pictures'));
  const shards = Array.from({ length: SHARDS }, (_, number) => readShard(here('prepared'), number));
  const packed = (await Promise.all(shards)).flat();
  const counts = countBySubgroup(packed);
  const pictures = packed.filter(({ subgroup }) => (counts.get(subgroup) ?? 0) >= FEWEST_PICTURES);
  for (const subgroup of new Set(pictures.map((picture) => picture.subgroup))) {
    await mkdir(path.join(folder, subgroup), { recursive: true });
  }
  for (let start = 0; start < pictures.length; start += CONCURRENCY) {
    const batch = pictures.slice(start, start + CONCURRENCY);
    await Promise.all(
      batch.map(({ bytes, subgroup, iconSet, name }) =>
        sharp(bytes)
          .png()
          .toFile(path.join(folder, subgroup, `${iconSet}-${name}.png`)),
      ),
    );
  }
  console.log(`${pictures.length} pictures in ${folder}`);
}

await main();
