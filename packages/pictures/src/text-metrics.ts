import { type GlyphBox, glyphs } from './glyphs.js';

/** CSS pixels per em of all text in a heat map. */
export const FONT_SIZE = 13;

/** Width of a text in CSS pixels at {@link FONT_SIZE}. */
export function textWidth(text: string): number {
  const advances = Array.from(text, (character) => glyphBox(character)[0]);
  return (advances.reduce((sum, advance) => sum + advance, 0) * FONT_SIZE) / glyphs.size;
}

/** Left end of a text in CSS pixels, of which `x` is the start, middle or end. */
export function textStart(options: {
  readonly x: number;
  readonly text: string;
  readonly anchor: 'start' | 'middle' | 'end';
}): number {
  const { x, text, anchor } = options;
  return x - { start: 0, middle: 0.5, end: 1 }[anchor] * textWidth(text);
}

/** Where the glyphs hold a character; that of `?` for one they lack. */
export function glyphIndex(character: string): number {
  const index = glyphs.characters.indexOf(character);
  return index < 0 ? glyphs.characters.indexOf('?') : index;
}

function glyphBox(character: string): GlyphBox {
  return glyphs.boxes[glyphIndex(character)] as GlyphBox;
}
