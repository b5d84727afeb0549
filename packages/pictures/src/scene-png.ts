import { PNG } from 'pngjs';
import { type GlyphBox, glyphs } from './glyphs.js';
import type { RectShape, Scene, TextShape } from './heat-map-scene.js';
import type { Rgb } from './heat-map-terminal.js';
import { FONT_SIZE, glyphIndex, textStart } from './text-metrics.js';

/** Device pixels per CSS pixel: the size that the glyphs are made for. */
const SCALE = glyphs.size / FONT_SIZE;

/** A scene on white as a PNG file, at two pixels per CSS pixel for sharp text. */
export function sceneToPng(scene: Scene): Uint8Array {
  const png = new PNG({ width: scene.width * SCALE, height: scene.height * SCALE });
  png.data.fill(255);
  const masks = decodeMasks();
  for (const shape of scene.shapes) {
    if (shape.kind === 'rect') fillRect(png, shape);
    else drawText(png, shape, masks);
  }
  return PNG.sync.write(png, { colorType: 2 });
}

function fillRect(png: PNG, { x, y, width, height, fill }: RectShape): void {
  const [red, green, blue] = fill;
  for (let row = y * SCALE; row < (y + height) * SCALE; row++) {
    for (let column = x * SCALE; column < (x + width) * SCALE; column++) {
      const at = 4 * (row * png.width + column);
      png.data[at] = red;
      png.data[at + 1] = green;
      png.data[at + 2] = blue;
    }
  }
}

/** Where the mask of each glyph starts, and the alpha of every pixel, in [0, 1]. */
interface Masks {
  readonly starts: readonly number[];
  readonly alpha: readonly number[];
}

function drawText(png: PNG, shape: TextShape, masks: Masks): void {
  let pen = textStart(shape) * SCALE;
  const lineTop = Math.round(shape.y * SCALE) - glyphs.ascent;
  for (const character of shape.text) {
    const index = glyphIndex(character);
    const [advance, left, top, width, height] = glyphs.boxes[index] as GlyphBox;
    const start = masks.starts[index] as number;
    for (let i = 0; i < width * height; i++) {
      blend({
        png,
        column: Math.round(pen) + left + (i % width),
        row: lineTop + top + Math.floor(i / width),
        color: shape.fill,
        alpha: masks.alpha[start + i] as number,
      });
    }
    pen += advance;
  }
}

function decodeMasks(): Masks {
  const bytes = Uint8Array.from(atob(glyphs.masks), (character) => character.charCodeAt(0));
  const alpha = Array.from(bytes, (byte) => [(byte >> 4) / 15, (byte & 15) / 15]).flat();
  const starts: number[] = [];
  let next = 0;
  for (const [, , , width, height] of glyphs.boxes) {
    starts.push(next);
    next += width * height;
  }
  return { starts, alpha };
}

function blend(options: {
  readonly png: PNG;
  readonly column: number;
  readonly row: number;
  readonly color: Rgb;
  readonly alpha: number;
}): void {
  const { png, column, row, color, alpha } = options;
  if (alpha === 0 || column < 0 || column >= png.width || row < 0 || row >= png.height) return;
  const at = 4 * (row * png.width + column);
  color.forEach((channel, i) => {
    const below = png.data[at + i] as number;
    png.data[at + i] = Math.round(below + alpha * (channel - below));
  });
}
