import { assertArgument } from '@harmonica/core';
import { z } from 'zod';
import type { AnyCachingMethod } from './method.js';

/**
 * The settings in the text behind a method's name and colon: `key=value` with commas between them, keys in kebab case, the
 * first setting of some without its key. What a setting takes as text stays text, even where it looks like a number.
 *
 * @throws {@link InvalidArgumentError} if a part has no key or a key stands twice
 */
export function settingsIn(
  { name, firstSetting, settings: shapeOf }: AnyCachingMethod,
  text: string,
): Record<string, unknown> {
  const shape = shapeOf();
  const settings: Record<string, unknown> = {};
  const parts = text === '' ? [] : text.split(',');
  for (const [i, part] of parts.entries()) {
    const [, named, value = part] = /^([a-z-]+)=(.*)$/s.exec(part) ?? [];
    const key = named === undefined ? i === 0 && firstSetting : toCamel(named);
    assertArgument(
      { [`a setting of policy ${name}`]: part },
      `key=value, with one of the keys ${Object.keys(shape).map(toKebab).join(', ')}`,
      key,
    );
    const argument = { [`${toKebab(key)} of policy ${name}`]: text };
    assertArgument(argument, 'one value', !(key in settings));
    settings[key] = settingOf(shape[key], value);
  }
  return settings;
}

/** The text that {@link settingsIn} reads, with the method's name; JSON if a setting does not fit into a line. */
export function formatSettings(
  { name, firstSetting: first }: Pick<AnyCachingMethod, 'name' | 'firstSetting'>,
  settings: Readonly<Record<string, unknown>>,
): string {
  const entries = Object.entries(settings).filter(([, value]) => value !== undefined);
  const parts = entries
    .toSorted(([a], [b]) => Number(b === first) - Number(a === first))
    .map(([key, value]) => (key === first ? String(value) : `${toKebab(key)}=${value}`));
  const hasLists = entries.some(([, value]) => typeof value === 'object');
  const hasSeparators = parts.some((part) => part.includes(','));
  if (hasLists || hasSeparators) return JSON.stringify({ policy: name, ...settings });
  return parts.length > 0 ? `${name}:${parts.join(',')}` : name;
}

/** How a method is written, with what it cannot do without: `teacache:<file>,threshold=<threshold>`, `first-block[:<threshold>]`. */
export function usageOf({ name, firstSetting: first, settings }: AnyCachingMethod): string {
  const isOptional = (schema: z.core.$ZodType | undefined) =>
    schema !== undefined && z.object({ key: schema }).safeParse({}).success;
  const shape = settings();
  const keys = Object.keys(shape).filter((key) => key !== first && !isOptional(shape[key]));
  const others = keys.map((key) => `${toKebab(key)}=<${toKebab(key)}>`);
  if (first === undefined) return [name, others.join(',')].filter(Boolean).join(':');
  if (isOptional(shape[first])) return `${name}[:<${toKebab(first)}>]`;
  return `${name}:${[`<${toKebab(first)}>`, ...others].join(',')}`;
}

function settingOf(schema: z.core.$ZodType | undefined, text: string): string | number {
  if (schema && z.safeParse(schema, text).success) return text;
  return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
}

/** A setting's name as in text: `warm-up` for `warmUp`. */
export function toKebab(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** A setting's name as in JSON: `warmUp` for `warm-up`. */
export function toCamel(key: string): string {
  return key.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
