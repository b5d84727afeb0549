import { decodeHTML } from 'entities';

/** What is replaced, in this order: a pattern and its replacement. */
type Rules = readonly (readonly [pattern: RegExp, replacement: string])[];

// In Python, whose patterns these are, \w, \d and \b know all of Unicode.
const W = String.raw`\p{L}\p{N}_`;
const D = String.raw`\p{Nd}`;
const B = `(?:(?<=[${W}])(?![${W}])|(?<![${W}])(?=[${W}]))`;

const FILES = 'png|jpg|jpeg|bmp|webp|eps|pdf|apk|mp4';
const DOMAIN = String.raw`[a-zA-Z0-9.\-]+[.](?:com|co|ru|net|org|edu|gov|it)[${W}/\-]*${B}/?(?!@)`;

const pattern = (...parts: readonly string[]): RegExp => new RegExp(parts.join(''), 'gu');

const ADDRESSES: Rules = [
  [/<person>/g, 'person'],
  [pattern(B, '(?:https?:(?:/{1,3}|[a-zA-Z0-9%])|', DOMAIN, ')'), ''],
  [pattern(B, '(?:www:(?:/{1,3}|[a-zA-Z0-9%])|', DOMAIN, ')'), ''],
];

const MARKUP: Rules = [
  [/<!--.*?-->/gs, ''],
  [/<[!?][^>]*>/g, ''],
  [/<\/?[a-zA-Z][^>]*>/g, ''],
];

const CHARACTERS: Rules = [
  [pattern(`@[${W}${D}]+`, B), ''],
  // CJK strokes, phonetic extensions, enclosed letters, compatibility forms and unified ideographs.
  [/[\u31c0-\u9fff]+/gu, ''],
  [
    /[\u002d\u058a\u05be\u1400\u1806\u2010-\u2015\u2e17\u2e1a\u2e3a\u2e3b\u2e40\u301c\u3030\u30a0\ufe31\ufe32\ufe58\ufe63\uff0d]+/gu,
    '-',
  ],
  [/[`\u00b4\u00ab\u00bb\u201c\u201d\u00a8]/gu, '"'],
  [/[\u2018\u2019]/gu, "'"],
  [/&quot;?/g, ''],
  [/&amp/g, ''],
];

const NUMBERS: Rules = [
  [pattern(Array(4).fill(`[${D}]{1,3}`).join('\\.')), ' '],
  [pattern(String.raw`[${D}]:[${D}][${D}]\s+$`), ''],
  [/\\n/g, ' '],
  [pattern(`#[${D}]{1,3}`, B), ''],
  [pattern(`#[${D}]{5,}`, B), ''],
  [pattern(B, `[${D}]{6,}`, B), ''],
];

const PUNCTUATION: Rules = [
  [pattern(String.raw`\S+\.(?:${FILES})`), ''],
  [/["']{2,}/g, '"'],
  [/\.{2,}/g, ' '],
  [/[#®•©™&@·º½¾¿¡§~)(\][}{|\\/*]+/gu, ' '],
  [/\s+\.\s+/g, ' '],
];

const CODES_AND_COMMERCE: Rules = [
  [pattern(B, `[a-zA-Z]{1,3}[${D}]{3,15}`, B), ''],
  [pattern(B, `[a-zA-Z]+[${D}]+[a-zA-Z]+`, B), ''],
  [pattern(B, `[${D}]+[a-zA-Z]+[${D}]+`, B), ''],
  [/(?:worldwide\s+)?(?:free\s+)?shipping/g, ''],
  [/(?:free\s)?download(?:\sfree)?/g, ''],
  [pattern(B, 'click', B, String.raw`\s(?:for|on)\s[${W}]+`), ''],
  [pattern(B, `(?:${FILES})`, String.raw`(?:\simages?)?`), ''],
  [pattern(B, String.raw`page\s+[${D}]+`, B), ''],
  [pattern(B, `[${D}]*[a-zA-Z]+[${D}]+[a-zA-Z]+[${D}]+[a-zA-Z${D}]*`, B), ' '],
  [pattern(B, String.raw`[${D}]+\.?[${D}]*[xх×][${D}]+\.?[${D}]*`, B), ''],
];

const SPACES_AND_ENDS: Rules = [
  [pattern(B, String.raw`\s+:\s+`), ': '],
  [pattern(`([^${D}][,./])`, B), '$1 '],
  [/\s+/g, ' '],
  [/^["'](.+)["']$/gs, '$1'],
  [/^['_,\-:;]/g, ''],
  [/['_,\-:+]$/g, ''],
  [/^\.\S+$/g, ''],
];

/**
 * A prompt as PixArt's captions were cleaned for training: lower case, without addresses, markup, nicknames, ideographs,
 * numbers of many digits, file names, odd punctuation and the phrases of shops (Chen et al., 2023; the rules are those
 * of DeepFloyd IF). Twice, as the official code does.
 *
 * Texts that were decoded with the wrong character set, which the official code repairs with ftfy, stay as they are.
 */
export function cleanPrompt(prompt: string): string {
  return cleanOnce(cleanOnce(prompt));
}

function cleanOnce(prompt: string): string {
  const readable = apply(unquote(prompt).trim().toLowerCase(), ADDRESSES);
  const text = decodeHTML(apply(readable, MARKUP));
  const plain = apply(text, [...CHARACTERS, ...NUMBERS, ...PUNCTUATION]);
  const repaired = decodeHTML(decodeHTML(tidyUnicode(spaced(plain)))).trim();
  return apply(repaired, [...CODES_AND_COMMERCE, ...SPACES_AND_ENDS]).trim();
}

function apply(text: string, rules: Rules): string {
  return rules.reduce((current, [from, to]) => current.replace(from, to), text);
}

/** Undoes the encoding of a query string. */
function unquote(text: string): string {
  return text.replaceAll('+', ' ').replace(/(?:%[0-9a-f]{2})+/gi, (encoded) => {
    const bytes = encoded.slice(1).split('%');
    return new TextDecoder().decode(Uint8Array.from(bytes, (hex) => Number.parseInt(hex, 16)));
  });
}

/** Words that are joined by more than three dashes and underscores, apart. */
function spaced(text: string): string {
  const joints = /[-_]/g;
  return (text.match(joints)?.length ?? 0) > 3 ? text.replace(joints, ' ') : text;
}

/** Replaces a character by its compatibility form. */
const compatible = (character: string): string => character.normalize('NFKC');

/**
 * Makes typography plain, as ftfy does by default: Latin ligatures in letters, full-width characters in usual ones,
 * straight quotes, one kind of line break, no terminal escapes and control characters, composed accents.
 *
 * (Not its repair of texts that were decoded with the wrong character set.)
 */
export function tidyUnicode(text: string): string {
  const plain = text
    .replace(/[\u0132\u0133\u0149\u01c4-\u01cc\u01f1-\u01f3\ufb00-\ufb04\ufb06]/g, compatible)
    .replaceAll('\ufb05', '\u017ft')
    .replace(/[\u3000\uff01-\uffee]/g, compatible)
    .replace(/[\u02bc\u2018-\u201b]/g, "'")
    .replace(/[\u201c-\u201f]/g, '"')
    .replace(/\r\n|[\r\u2028\u2029\u0085]/g, '\n')
    .replace(TERMINAL_ESCAPES, '');
  const printable = Array.from(plain).filter((character) => !isControl(character));
  return printable.join('').normalize('NFC');
}

const ESCAPE = String.fromCodePoint(0x1b);
const TERMINAL_ESCAPES = new RegExp(`${ESCAPE}\\[(?:\\d*;)*\\d*[a-zA-Z]`, 'g');

/** Control characters but for tabs, line breaks and form feeds; deprecated format characters; byte order marks. */
const CONTROLS = [
  [0x00, 0x08],
  [0x0b, 0x0b],
  [0x0e, 0x1f],
  [0x7f, 0x7f],
  [0x206a, 0x206f],
  [0xfeff, 0xfeff],
  [0xfff9, 0xfffc],
] as const;

function isControl(character: string): boolean {
  const code = character.codePointAt(0) as number;
  return CONTROLS.some(([first, last]) => code >= first && code <= last);
}
