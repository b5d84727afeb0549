"""Draws the glyphs of PNG heat maps into src/glyphs.ts, from the font Aileron (CC0 1.0) that Pillow carries.

    pip install pillow==13.0.0
    python scripts/make-glyphs.py > src/glyphs.ts
"""

import base64
import sys

from PIL import ImageFont

SIZE = 26  # pixels per em: 13 CSS pixels at a scale of 2
CHARACTERS = [chr(code) for code in range(0x20, 0x7F)] + ["\u00b7", "\u2026"]

font = ImageFont.load_default(SIZE)
ascent, descent = font.getmetrics()
missing = bytes(font.getmask("\uffff"))

boxes = []
nibbles = []
for character in CHARACTERS:
    if ord(character) > 0x7F and bytes(font.getmask(character)) == missing:
        sys.exit(f"the font has no {character!r}")
    left, top, right, bottom = font.getbbox(character)
    mask = font.getmask(character)
    width, height = mask.size
    if (width, height) != (right - left, bottom - top):
        sys.exit(f"unexpected box of {character!r}: {mask.size} in {(left, top, right, bottom)}")
    boxes.append([round(font.getlength(character), 2), left, top, width, height])
    nibbles += [(value + 8) // 17 for value in bytes(mask)]
if len(nibbles) % 2:
    nibbles.append(0)
packed = bytes(16 * a + b for a, b in zip(nibbles[::2], nibbles[1::2]))
text = base64.b64encode(packed).decode()

characters = "".join(CHARACTERS).replace("\\", "\\\\").replace("'", "\\'")
box_lines = "\n".join(f"    [{', '.join(f'{number:g}' for number in box)}]," for box in boxes)
mask_lines = "\n".join(f"    '{text[i : i + 92]}'," for i in range(0, len(text), 92))
print(f"""\
// Made by scripts/make-glyphs.py from the font Aileron (CC0 1.0). Do not edit.

/** Measures of one glyph in pixels. */
export type GlyphBox = readonly [
  advance: number,
  left: number,
  top: number,
  width: number,
  height: number,
];

/** A bitmap font. */
export interface GlyphAtlas {{
  /** Pixels per em. */
  readonly size: number;
  /** From the top of a line to its baseline, in pixels. */
  readonly ascent: number;
  readonly characters: string;
  /** One for each character. */
  readonly boxes: readonly GlyphBox[];
  /** Base64 of the masks of all glyphs without gaps, row by row, 4 bits a pixel, high half of a byte first. */
  readonly masks: string;
}}

export const glyphs: GlyphAtlas = {{
  size: {SIZE},
  ascent: {ascent},
  characters:
    '{characters}',
  boxes: [
{box_lines}
  ],
  masks: [
{mask_lines}
  ].join(''),
}};""")
