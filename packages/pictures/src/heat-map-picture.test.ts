import type { BranchKind } from '@harmonica/core';
import fc from 'fast-check';
import { PNG } from 'pngjs';
import { describe, expect, it } from 'vitest';
import { branchesOf, router } from './__fixtures__/router.js';
import { heatMapOf, heatMapOfScores } from './heat-map.js';
import { heatMapToPng, heatMapToSvg } from './heat-map-picture.js';
import { scoreColor } from './heat-map-terminal.js';
import { svgToPng } from './svg-to-png.js';

const ALL_KINDS: BranchKind[] = ['attention', 'cross-attention', 'mlp'];

interface MapSize {
  readonly steps: number;
  readonly blocks: number;
  readonly kinds: readonly BranchKind[];
  readonly threshold?: number;
}

function mapOf({ steps, blocks, kinds, threshold }: MapSize) {
  const branches = branchesOf(blocks, kinds);
  const scores = Array.from({ length: steps }, (_, step) =>
    branches.map(({ index }) => (step + index / branches.length) / steps),
  );
  return heatMapOfScores({ scores, branches, title: 'A title', threshold });
}

const map = heatMapOf({ document: router, branches: branchesOf(2) });
const cellColors = map.panels.flatMap(({ rows }) =>
  rows.flatMap(({ values }) => values.map((value) => scoreColor(value))),
);

const textsOf = (svg: string) => [...svg.matchAll(/<text [^>]*>([^<]*)</g)].map(([, text]) => text);

/** The cells of 22 x 22 pixels with gaps of one, in the order drawn. */
const cellsOf = (svg: string) =>
  [...svg.matchAll(/<path d="M([\d.]+),([\d.]+)h21v21h-21Z" fill="rgb\(([^)]+)\)"/g)].map(
    ([, x, y, color]) => ({ x: Number(x), y: Number(y), color: color?.split(',').map(Number) }),
  );

describe('heatMapToSvg', () => {
  it('has a cell of the right colour for every score, steps to the right and blocks down', async () => {
    const cells = cellsOf(await heatMapToSvg(map));
    expect(cells.map(({ color }) => color)).toEqual(cellColors);
    const panel = [0, 22].flatMap((y) => [0, 22, 44].map((x) => ({ x: x + 0.5, y: y + 0.5 })));
    expect(cells.map(({ x, y }) => ({ x, y }))).toEqual([...panel, ...panel]);
  });

  it('names panels, axes, steps, blocks and the ends of the scale', async () => {
    const texts = textsOf(
      await heatMapToSvg(mapOf({ steps: 20, blocks: 12, kinds: ALL_KINDS, threshold: 0.1 })),
    );
    expect(texts).toEqual(
      expect.arrayContaining([
        ...['A title', 'Attention', 'Cross-attention', 'MLP', 'block', 'step', '0', '11', '18'],
        ...['1 computed', '0.1 threshold', '0 predicted'],
      ]),
    );
  });

  it.each([0.01, 0.5, 0.99])(
    'keeps the label of threshold %f off the others',
    async (threshold) => {
      const svg = await heatMapToSvg(mapOf({ steps: 2, blocks: 1, kinds: ['mlp'], threshold }));
      const labels = svg.matchAll(
        /translate\([\d.]+,([\d.]+)\)"[^>]*>[\d.]+ (predicted|computed|threshold)</g,
      );
      const heights = [...labels].map(([, y]) => Number(y)).sort((a, b) => a - b);
      expect(svg).toContain(`>${threshold} threshold<`);
      expect(heights.length).toBeGreaterThanOrEqual(2);
      heights.slice(1).forEach((y, i) => {
        expect(y - (heights[i] as number)).toBeGreaterThanOrEqual(16);
      });
    },
  );

  it('keeps the outermost 16 pixels white, at any size', async () => {
    const sizes = fc.record({
      steps: fc.integer({ min: 1, max: 60 }),
      blocks: fc.integer({ min: 1, max: 60 }),
      kinds: fc.subarray(ALL_KINDS, { minLength: 1 }),
      threshold: fc.constantFrom(0.01, 0.1, 0.5, 0.9, 0.99),
    });
    const property = fc.asyncProperty(sizes, async (size) => {
      const svg = await heatMapToSvg(mapOf(size));
      const { data, width, height } = PNG.sync.read(Buffer.from(await svgToPng({ svg, scale: 1 })));
      const inked = data.findIndex((value, i) => {
        if (value === 255) return false;
        const [x, y] = [Math.floor(i / 4) % width, Math.floor(i / 4 / width)];
        return Math.min(x, y, width - 1 - x, height - 1 - y) < 16;
      });
      expect(inked).toBe(-1);
    });
    await fc.assert(property, { numRuns: 10 });
  });

  it('has a key of two colours for decisions', async () => {
    const svg = await heatMapToSvg({ ...map, scale: 'decision', threshold: undefined });
    expect(textsOf(svg)).toEqual(expect.arrayContaining(['predicted', 'computed']));
    expect(svg.match(/h14v[^"]*" fill=/g)).toHaveLength(2);
  });

  it('escapes markup, and reads its title to those who do not see it', async () => {
    const svg = await heatMapToSvg({ ...map, title: 'a < b & c' });
    expect(svg).toContain(`aria-label="Title text 'a &lt; b &amp; c'"`);
    expect(svg).not.toContain('a < b');
  });
});

const pictureOf = async (title: string) =>
  PNG.sync.read(Buffer.from(await heatMapToPng({ ...map, title })));

/** The colour of every pixel. */
const pixelsOf = ({ data }: PNG) =>
  Array.from({ length: data.length / 4 }, (_, i) => data.subarray(4 * i, 4 * i + 3).join(','));

describe('heatMapToPng', () => {
  it('is twice as many pixels as the SVG has, opaque', async () => {
    const [, width, height] = /width="(\d+)" height="(\d+)"/.exec(await heatMapToSvg(map)) ?? [];
    const png = await pictureOf(map.title);
    expect([png.width, png.height]).toEqual([2 * Number(width), 2 * Number(height)]);
    expect(png.data.every((value, i) => i % 4 < 3 || value === 255)).toBe(true);
  });

  it('fills every cell, and keeps the gaps white', async () => {
    const pixels = pixelsOf(await pictureOf(map.title));
    for (const color of cellColors) {
      const alike = cellColors.filter((other) => other.join() === color.join()).length;
      const count = pixels.filter((pixel) => pixel === color.join()).length;
      expect(count).toBeGreaterThanOrEqual(alike * 42 * 42);
      expect(count).toBeLessThan(alike * 42 * 42 + 500); // The colour bar has a few.
    }
  });

  it('draws each title, Greek too', async () => {
    const drawn = async (title: string) => (await pictureOf(title)).data.toString('base64');
    expect(await drawn('Wide')).not.toBe(await drawn('Wild'));
    expect(await drawn('\u03c4 = 0.1')).not.toBe(await drawn('\u03b2 = 0.1'));
  });
});
