import { branchesOf, router } from '@harmonica/router';
import { PNG } from 'pngjs';
import { describe, expect, it } from 'vitest';
import { heatMapOf } from './heat-map.js';
import { heatMapToPng } from './heat-map-png.js';
import { layoutHeatMap, type TextShape } from './heat-map-scene.js';
import { textWidth } from './text-metrics.js';

const map = heatMapOf({ document: router, branches: branchesOf(2) });
const scene = layoutHeatMap(map);
const decode = (title: string) => PNG.sync.read(Buffer.from(heatMapToPng({ ...map, title })));
const png = decode(map.title);

const pixel = (x: number, y: number) => {
  const at = 4 * (Math.floor(2 * y) * png.width + Math.floor(2 * x));
  return [...png.data.subarray(at, at + 3)];
};

/** Share of the pixels of a text's box that are darker than half grey. */
function inkOf(image: PNG, shape: TextShape): number {
  const width = textWidth(shape.text);
  const left = Math.floor(
    2 * (shape.x - { start: 0, middle: width / 2, end: width }[shape.anchor]),
  );
  const right = Math.ceil(left + 2 * width);
  const rows = Array.from({ length: 20 }, (_, i) => 2 * shape.y - 20 + i);
  const columns = Array.from({ length: right - left }, (_, i) => left + i);
  const dark = rows.flatMap((row) =>
    columns.filter((column) => (image.data[4 * (row * image.width + column)] as number) < 128),
  );
  return dark.length / (rows.length * columns.length);
}

describe('heatMapToPng', () => {
  it('is twice as many pixels as the layout has, opaque', () => {
    expect([png.width, png.height]).toEqual([2 * scene.width, 2 * scene.height]);
    expect(png.data.filter((_, i) => i % 4 === 3).every((alpha) => alpha === 255)).toBe(true);
  });

  it('has the colour of every cell from corner to corner, and white outside', () => {
    const cells = scene.shapes.filter((shape) => shape.kind === 'rect' && shape.width === 21);
    expect(cells).toHaveLength(12);
    for (const shape of cells) {
      if (shape.kind !== 'rect') continue;
      const { x, y, width, height, fill } = shape;
      expect(pixel(x, y)).toEqual(fill);
      expect(pixel(x + width - 0.5, y + height - 0.5)).toEqual(fill);
      expect(pixel(x + width, y + height)).toEqual([255, 255, 255]);
    }
    expect(pixel(0, 0)).toEqual([255, 255, 255]);
  });

  it('has ink wherever there is text', () => {
    for (const shape of scene.shapes) {
      if (shape.kind === 'text') expect(inkOf(png, shape)).toBeGreaterThan(0.08);
    }
  });

  it('draws different letters differently, and a question mark for those it lacks', () => {
    const drawn = (title: string) =>
      Buffer.from(heatMapToPng({ ...map, title })).toString('base64');
    expect(drawn('Wide')).not.toBe(drawn('Wild'));
    expect(drawn('\u03c4 = 0.1')).toBe(drawn('? = 0.1'));
  });
});
