import type { OfficialRouterFormat } from '@harmonica/router';

/** Router checkpoints of official code, by the names of `--kind`. */
export const OFFICIAL_FORMATS = {
  harmonica: 'harmonica',
  l2c: 'learning-to-cache',
} as const satisfies Readonly<Record<string, OfficialRouterFormat>>;

/** A name of {@link OFFICIAL_FORMATS}. */
export type OfficialKind = keyof typeof OFFICIAL_FORMATS;

/** All of {@link OFFICIAL_FORMATS}. */
export const OFFICIAL_KINDS = Object.keys(OFFICIAL_FORMATS) as readonly OfficialKind[];
