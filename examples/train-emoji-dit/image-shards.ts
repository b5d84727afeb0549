/** How many shards the pictures are dealt into. */
export const SHARDS = 2;

/** Where one encoded picture lies in the shard's `.bin` file, and what it shows. */
export interface ShardImage {
  readonly iconSet: string;
  readonly name: string;
  readonly subgroup: string;
  /** First byte. */
  readonly offset: number;
  /** Bytes. */
  readonly length: number;
}

/** The contents of `shard-<n>.json`; the encoded pictures stand one after another in `shard-<n>.bin`. */
export interface ShardIndex {
  readonly version: 1;
  /** Width and height of every picture, in pixels. */
  readonly size: number;
  readonly images: readonly ShardImage[];
}

/** A picture before it has a place in a shard. */
export type ImageSource = Pick<ShardImage, 'iconSet' | 'name' | 'subgroup'>;

/**
 * The fixed order of the pictures: by icon set and name written together, by UTF-16 code units.
 *
 * The held-out pictures are drawn from this order, so a change of it changes the data set.
 */
export function sortSources<Source extends ImageSource>(sources: readonly Source[]): Source[] {
  const key = ({ iconSet, name }: ImageSource) => iconSet + name;
  return [...sources].sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

/** Deals items out in turn: shard `s` of `count` takes items `s`, `s + count`, `s + 2 * count`, … */
export function dealIntoShards<Item>(items: readonly Item[], count: number): Item[][] {
  return Array.from({ length: count }, (_, shard) =>
    items.filter((_, position) => position % count === shard),
  );
}

/** Places pictures of the given sizes one after another. */
export function createShardIndex(
  pictures: readonly { readonly source: ImageSource; readonly length: number }[],
  size: number,
): ShardIndex {
  let offset = 0;
  const images = pictures.map(({ source: { iconSet, name, subgroup }, length }) => {
    const image = { iconSet, name, subgroup, offset, length };
    offset += length;
    return image;
  });
  return { version: 1, size, images };
}

/** The number of pictures of each subgroup, subgroups in alphabetical order. */
export function countBySubgroup(images: readonly ImageSource[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { subgroup } of images) counts.set(subgroup, (counts.get(subgroup) ?? 0) + 1);
  return new Map([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}
