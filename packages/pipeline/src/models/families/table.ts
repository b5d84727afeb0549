import { dit, sit } from './dit.js';
import { type Architecture, architectureIn, type Family } from './family.js';
import { pixart } from './pixart.js';
import { uvit } from './uvit.js';

/** The families of backbones, one line each; DiT last, as its reader of diffusers' configurations refuses what is none. */
const TABLE = { sit, pixart, uvit, dit } as const;

/** A family of backbones. */
export type FamilyName = keyof typeof TABLE;

/** The configuration of a family. */
export type ConfigOf<Name extends FamilyName> = ReturnType<(typeof TABLE)[Name]['defaults']>;

/** Any family, its configuration being what the family itself makes of one. */
export type AnyFamily = Family<FamilyName, unknown>;

/** Every family. */
export const FAMILIES = Object.values(TABLE) as unknown as readonly AnyFamily[];

/**
 * The architecture of a configuration of a family.
 *
 * @throws {@link InvalidArgumentError} if no model of the family has it
 */
export function architectureOf<Name extends FamilyName>(
  name: Name,
  config: ConfigOf<Name>,
): Architecture {
  return architectureIn(TABLE[name] as unknown as AnyFamily, config);
}
