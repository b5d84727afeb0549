import type { PixelImage } from '@harmonica/metrics';
import { heatMapOfScores, heatMapToPng, layoutHeatMap, type TextShape } from '@harmonica/router';
import { blankImage, paste } from './image-grid.js';
import { decodePng } from './png-file.js';

/** From the baseline to the top of the tallest letters and to the bottom of the lowest, in CSS pixels. */
const ASCENT = 12;
const DESCENT = 5;

/** A line of text as an 8-bit RGB image, dark on white, in the type of the heat maps: it is the title of an empty one. */
export function textImage(text: string): PixelImage {
  const branches = [{ index: 0, block: 0, kind: 'mlp' as const }];
  const map = heatMapOfScores({ scores: [[1]], branches, title: text });
  const scene = layoutHeatMap(map);
  const isTitle = (shape: { kind: string }): shape is TextShape =>
    shape.kind === 'text' && (shape as TextShape).text === text;
  const { x, y } = scene.shapes.find(isTitle) as TextShape;
  const page = decodePng(heatMapToPng(map));
  const scale = page.width / scene.width;
  const left = x * scale;
  const line = crop(page, {
    left,
    top: (y - ASCENT) * scale,
    width: page.width - left,
    height: (ASCENT + DESCENT) * scale,
  });
  return crop(line, { left: 0, top: 0, width: inkedWidth(line), height: line.height });
}

/** Up to the last column that is not all white. */
function inkedWidth({ data, width }: PixelImage): number {
  const columns = Array.from(data, (value, i) => (value < 255 ? Math.floor(i / 3) % width : 0));
  return 1 + columns.reduce((most, column) => Math.max(most, column), 0);
}

interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

function crop(image: PixelImage, { left, top, width, height }: Box): PixelImage {
  const sheet = blankImage(width, height);
  for (let row = 0; row < height; row++) {
    const start = ((top + row) * image.width + left) * 3;
    const line = { data: image.data.subarray(start, start + width * 3), width, height: 1 };
    paste({ sheet, image: { ...line, channels: 3 }, x: 0, y: row });
  }
  return sheet;
}
