import type { PixelImage } from '@harmonica/core';
import { blankImage, paste } from './image-grid.js';
import { decodePng } from './png.js';
import { sceneToPng } from './scene-png.js';

/** From the baseline to the top of the tallest letters and to the bottom of the lowest, in CSS pixels. */
const ASCENT = 12;
const DESCENT = 5;

/** No glyph is wider, in CSS pixels. */
const WIDEST = 16;

const INK = [32, 33, 36] as const;

/** A line of text as an 8-bit RGB image, dark on white, in the type of the heat maps. */
export function textImage(text: string): PixelImage {
  const page = decodePng(
    sceneToPng({
      width: WIDEST * text.length,
      height: ASCENT + DESCENT,
      shapes: [{ kind: 'text', x: 0, y: ASCENT, text, anchor: 'start', fill: INK }],
    }),
  );
  return leftOf(page, inkedWidth(page));
}

/** Up to the last column that is not all white. */
function inkedWidth({ data, width }: PixelImage): number {
  const columns = Array.from(data, (value, i) => (value < 255 ? Math.floor(i / 3) % width : 0));
  return 1 + columns.reduce((most, column) => Math.max(most, column), 0);
}

function leftOf(image: PixelImage, width: number): PixelImage {
  const sheet = blankImage(width, image.height);
  for (let row = 0; row < image.height; row++) {
    const start = row * image.width * 3;
    const line = { data: image.data.subarray(start, start + width * 3), width, height: 1 };
    paste({ sheet, image: { ...line, channels: 3 }, x: 0, y: row });
  }
  return sheet;
}
