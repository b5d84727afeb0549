/** What `emojibase-data/en/data.json` says of one emoji, as far as it is used here. */
export interface EmojiRecord {
  readonly label: string;
  readonly subgroup?: number;
  readonly skins?: readonly EmojiRecord[];
}

/** Which Unicode subgroup an icon of one of the emoji sets belongs to, by the icon's name. */
export type SubgroupLookup = ReadonlyMap<string, string>;

const SKIN_TONE_SUFFIX = /-(medium-light|medium-dark|light|medium|dark)(-skin-tone)?$/;
const COUNTRY_FLAG_PREFIX = /^flag-for/;

/**
 * The name that the icon sets give an emoji: its Unicode label in lower case, without accents and
 * punctuation, words joined by hyphens.
 *
 * @example toIconName('Curaçao: keycap #') // 'curacao-keycap-hash'
 */
export function toIconName(label: string): string {
  return label
    .toLowerCase()
    .normalize('NFD')
    .replace(/[\u0300-\u036f]/g, '')
    .replace(/[’'“”.!,():]/g, '')
    .replace(/&/g, 'and')
    .replace(/#/g, 'hash')
    .replace(/\*/g, 'asterisk')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
}

/**
 * Maps the icon name of every emoji, skin tones included, to the name of its subgroup.
 *
 * @param records emoji in the order of `emojibase-data`; a later one wins over an equal earlier name.
 * @param subgroupNames subgroup names by number, from `emojibase-data/meta/groups.json`.
 */
export function createSubgroupLookup(
  records: readonly EmojiRecord[],
  subgroupNames: Readonly<Record<number, string>>,
): SubgroupLookup {
  const lookup = new Map<string, string>();
  for (const record of records) {
    const subgroup = record.subgroup === undefined ? undefined : subgroupNames[record.subgroup];
    if (subgroup === undefined) continue;
    for (const { label } of [record, ...(record.skins ?? [])]) {
      lookup.set(toIconName(label), subgroup);
    }
  }
  return lookup;
}

/** The subgroup of an icon, or `undefined` when no emoji has its name. */
export function findSubgroup(lookup: SubgroupLookup, iconName: string): string | undefined {
  if (COUNTRY_FLAG_PREFIX.test(iconName)) return 'country-flag';
  return lookup.get(iconName) ?? lookup.get(iconName.replace(SKIN_TONE_SUFFIX, ''));
}
