import { CheckpointError, type WeightSource } from '@harmonica/core';
import type { Layout } from './parameter.js';

/** What `torch.compile`, fully sharded training and activation checkpoints put into the names of what they wrap. */
const WRAPPERS = new Set(['_orig_mod', '_fsdp_wrapped_module', '_checkpoint_wrapped_module']);

interface UnwrapOptions {
  readonly source: WeightSource;
  /** What the weights belong to, for error messages. */
  readonly owner: string;
  /** The layouts that a checkpoint may have. */
  readonly layouts: readonly Layout[];
}

/** A prefix before the names of a model, and how many of them it stands before. */
type PrefixCounts = ReadonlyMap<string, number>;

/**
 * A checkpoint with the names that the model's layouts want: without what PyTorch's wrappers put into them, and without
 * a prefix, such as `module.` or `model.`, before all of them. What does not have that prefix, such as the state of an
 * optimiser, is left out.
 *
 * @returns `source` itself if its names are so already
 * @throws {@link CheckpointError} if the model is there under several prefixes, or under none; the message says what the file has
 */
export function unwrapSource({ source, owner, layouts }: UnwrapOptions): WeightSource {
  const wanted = new Set(layouts.flatMap(namesOf));
  const plain = source.names.map((name) => [unwrappedName(name), name] as const);
  const prefix = choosePrefix({ source, owner, counts: countPrefixes(plain, wanted) });
  const stored = new Map<string, string>();
  for (const [own, name] of plain) {
    if (!own.startsWith(prefix)) continue;
    const key = own.slice(prefix.length);
    if (stored.has(key)) throw twice({ path: source.path, names: [stored.get(key) ?? '', name] });
    stored.set(key, name);
  }
  const isPlain = prefix === '' && plain.every(([own, name]) => own === name);
  return isPlain ? source : renamed(source, stored);
}

function namesOf({ parameters, extras = [] }: Layout): string[] {
  const stored = parameters.flatMap((parameter) => parameter.stored);
  return [...extras, ...stored.flatMap(({ names, copies }) => [...names, ...copies])];
}

function unwrappedName(name: string): string {
  return name
    .split('.')
    .filter((part) => !WRAPPERS.has(part))
    .join('.');
}

/** What stands before a name that is wanted, by how often it does. */
function countPrefixes(
  plain: readonly (readonly [own: string, name: string])[],
  wanted: ReadonlySet<string>,
): PrefixCounts {
  const counts = new Map<string, number>();
  for (const [own] of plain) {
    for (let start = 0; start >= 0; start = nextPart(own, start)) {
      if (!wanted.has(own.slice(start))) continue;
      const prefix = own.slice(0, start);
      counts.set(prefix, (counts.get(prefix) ?? 0) + 1);
      break;
    }
  }
  return counts;
}

/** Where the next part of a dotted name begins; -1 behind the last one. */
function nextPart(name: string, start: number): number {
  const dot = name.indexOf('.', start);
  return dot < 0 ? -1 : dot + 1;
}

function choosePrefix(options: {
  source: WeightSource;
  owner: string;
  counts: PrefixCounts;
}): string {
  const { source, owner, counts } = options;
  const most = Math.max(0, ...counts.values());
  const [best, ...others] = [...counts].filter(([, count]) => 2 * count > most);
  if (best === undefined) throw foreignNames({ source, owner });
  if (others.length === 0) return best[0];
  if (counts.get('') === most) return '';
  throw severalParts({ source, owner, parts: [best, ...others] });
}

function foreignNames({ source, owner }: { source: WeightSource; owner: string }): CheckpointError {
  const counts = new Map<string, number>();
  for (const name of source.names) {
    const [first = ''] = name.split('.');
    counts.set(first, (counts.get(first) ?? 0) + 1);
  }
  const parts = [...counts].sort(([, a], [, b]) => b - a);
  const listed = parts.slice(0, MOST_LISTED).map(([name, count]) => `${name} (${count})`);
  const rest = parts.length > listed.length ? ` and ${parts.length - listed.length} more` : '';
  return new CheckpointError({
    path: source.path,
    problem: `none of its ${source.names.length} tensors has a name of ${owner}`,
    fix: `What their names begin with: ${listed.join(', ')}${rest}. Check that the file is a checkpoint of ${owner}.`,
  });
}

const MOST_LISTED = 10;

function severalParts(options: {
  source: WeightSource;
  owner: string;
  parts: readonly (readonly [prefix: string, count: number])[];
}): CheckpointError {
  const { source, owner, parts } = options;
  const named = parts.map(([prefix, count]) => ({ name: prefix.replace(/\.$/, ''), count }));
  const [{ name: example } = { name: '' }] = named;
  return new CheckpointError({
    path: source.path,
    problem: `the weights of ${owner} are there ${parts.length} times: ${named
      .map(({ name, count }) => `${name || '(no prefix)'} (${count} tensors)`)
      .join(', ')}`,
    fix: `Select one part when the file is opened, such as ${example} (on the command line: --part ${example}).`,
  });
}

function twice({ path, names }: { path: string; names: readonly string[] }): CheckpointError {
  return new CheckpointError({ path, problem: `${names.join(' and ')} are one tensor's names` });
}

/** A checkpoint under other names: those that the map has, by the names of the file. */
function renamed(source: WeightSource, stored: ReadonlyMap<string, string>): WeightSource {
  const nameOf = (name: string) => stored.get(name) ?? name;
  return {
    path: source.path,
    names: [...stored.keys()],
    info: (name) => source.info(nameOf(name)),
    read: (name) => source.read(nameOf(name)),
    close: () => source.close(),
  };
}
