import { DIT } from './dit/dit-family.js';
import { SIT } from './dit/sit.js';
import { type BackboneFamily, type DiffusersFiles, slugOf } from './family.js';
import { PIXART } from './pixart/pixart-family.js';
import { UVIT } from './uvit/uvit-family.js';

/** The families of backbones: a new one is a folder of its own and a line here. */
const TABLE = { dit: DIT, sit: SIT, pixart: PIXART, uvit: UVIT } as const;

/** A family of backbones. */
export type FamilyName = keyof typeof TABLE;

/** What the configurations of each family are. */
export type FamilyConfigs = {
  readonly [Name in FamilyName]: (typeof TABLE)[Name] extends BackboneFamily<infer C> ? C : never;
};

/** Every family by its name. */
export const FAMILIES: {
  readonly [Name in FamilyName]: BackboneFamily<FamilyConfigs[Name]>;
} = TABLE;

/** A family and a configuration of it. */
export type FamilyModel = {
  readonly [Name in FamilyName]: { readonly family: Name; readonly config: FamilyConfigs[Name] };
}[FamilyName];

/**
 * A published model by the name that its authors gave it (`DiT-XL/2`, `PixArt-XL-2-256x256`, `imagenet256_uvit_huge`) or
 * by a short one (`dit-xl-2-512`, `pixart-alpha-256`, `uvit-h-2`).
 *
 * @returns undefined for any other name
 */
export function publishedModel(name: string): FamilyModel | undefined {
  const slug = slugOf(name);
  for (const [family, { published }] of Object.entries(FAMILIES)) {
    const found = published.find((model) => model.name === slug);
    if (found) return { family, config: found.config() } as FamilyModel;
  }
  return undefined;
}

/**
 * The model that files in diffusers' layout describe. What no family recognises is read as a DiT.
 *
 * @throws {@link ConfigError} if it is of no architecture that is known here
 */
export function familyOfDiffusers(files: DiffusersFiles): FamilyModel {
  for (const [family, { diffusers }] of Object.entries(FAMILIES) as FamilyEntry[]) {
    if (diffusers?.recognises(files)) {
      return { family, config: diffusers.configOf(files) } as FamilyModel;
    }
  }
  return { family: 'dit', config: DIT.diffusers.configOf(files) };
}

type FamilyEntry = readonly [FamilyName, BackboneFamily<unknown>];
