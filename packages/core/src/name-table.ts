import { InvalidArgumentError } from './errors.js';

/** Things of one kind by their names, in order: those that a package brings, then those that programs add. */
export interface NameTable<Entry extends { readonly name: string }> {
  /** All, in order. */
  entries(): readonly Entry[];
  /** The names of all, in order. */
  names(): readonly string[];
  /** The one of a name; undefined if there is none. */
  find(name: string): Entry | undefined;
  /** @throws {@link InvalidArgumentError} if there is none of that name; lists what there is */
  get(name: string): Entry;
  /**
   * Adds an entry for as long as the program runs, or until it is taken away.
   *
   * @returns a function that takes it away again
   * @throws {@link InvalidArgumentError} if its name is taken, or is not of lower-case letters, digits and hyphens
   */
  register(entry: Entry): () => void;
}

/** Options of {@link createNameTable}. */
export interface NameTableOptions<Entry extends { readonly name: string }> {
  /** What an entry is, for messages: `predictor`. */
  readonly what: string;
  /** Their names differ. */
  readonly entries: readonly Entry[];
  /** Names that mean something else and that no entry may have. Default none. */
  readonly reserved?: readonly string[];
}

/** A table that starts with some entries. */
export function createNameTable<Entry extends { readonly name: string }>(
  options: NameTableOptions<Entry>,
): NameTable<Entry> {
  const { what, entries, reserved = [] } = options;
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  const names = () => [...byName.keys()];
  return {
    entries: () => [...byName.values()],
    names,
    find: (name) => byName.get(name),
    get(name) {
      const entry = byName.get(name);
      if (entry) return entry;
      const expected = `one of ${names().join(', ')}`;
      throw new InvalidArgumentError({ argument: what, value: name, expected });
    },
    register(entry) {
      const { name } = entry;
      const refuse = (expected: string) => {
        throw new InvalidArgumentError({ argument: `name of a ${what}`, value: name, expected });
      };
      const taken = [...names(), ...reserved];
      if (taken.includes(name)) refuse(`a name other than ${taken.join(', ')}`);
      if (!/^[a-z][a-z\d-]*$/.test(name)) refuse('lower-case letters, digits and hyphens');
      byName.set(name, entry);
      return () => {
        if (byName.get(name) === entry) byName.delete(name);
      };
    },
  };
}
