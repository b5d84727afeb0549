import { open, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A sharded checkpoint of zeros that takes no room on the disk. */
export interface SparseShards {
  readonly folder: string;
  readonly shards: number;
  readonly tensorsPerShard: number;
  readonly elementsPerTensor: number;
  readonly dtype: 'F32' | 'BF16';
}

/** Writes the shards and their index into a folder that exists. */
export async function writeSparseShards(options: SparseShards): Promise<void> {
  const { folder, shards, tensorsPerShard } = options;
  const weightMap: Record<string, string> = {};
  for (let shard = 0; shard < shards; shard++) {
    const file = `model-${shard}.safetensors`;
    const names = Array.from({ length: tensorsPerShard }, (_, i) => `${shard}.${i}.weight`);
    for (const name of names) weightMap[name] = file;
    await writeSparseShard({ ...options, path: join(folder, file), names });
  }
  const index = join(folder, 'model.safetensors.index.json');
  await writeFile(index, JSON.stringify({ weight_map: weightMap }));
}

async function writeSparseShard(
  options: SparseShards & { path: string; names: readonly string[] },
): Promise<void> {
  const { path, names, elementsPerTensor, dtype } = options;
  const size = elementsPerTensor * (dtype === 'F32' ? 4 : 2);
  const entries = names.map((name, i) => [
    name,
    { dtype, shape: [elementsPerTensor], data_offsets: [i * size, (i + 1) * size] },
  ]);
  const header = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(header.length));
  const handle = await open(path, 'w');
  await handle.writeFile(Buffer.concat([prefix, header]));
  await handle.close();
  await truncate(path, prefix.length + header.length + names.length * size);
}
