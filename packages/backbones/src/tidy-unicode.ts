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
