import type { BranchKind } from '@harmonica/core';
import { branchesOf } from '@harmonica/router';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type HeatMap, heatMapOfScores } from './heat-map.js';
import { layoutHeatMap, type Shape, type TextShape } from './heat-map-scene.js';
import { scoreColor } from './heat-map-terminal.js';
import { textWidth } from './text-metrics.js';

const ALL_KINDS: BranchKind[] = ['attention', 'cross-attention', 'mlp'];

function mapOf(options: {
  steps: number;
  blocks: number;
  kinds?: BranchKind[];
  threshold?: number;
}) {
  const { steps, blocks, kinds = ['attention', 'mlp'], threshold } = options;
  const branches = branchesOf(blocks, kinds);
  const scores = Array.from({ length: steps }, (_, step) =>
    branches.map(({ index }) => (step + index / branches.length) / steps),
  );
  return heatMapOfScores({ scores, branches, title: 'A title', threshold });
}

/** Boxes that text is sure to fill: from the height of a digit to the baseline. */
function boxOf(shape: Shape) {
  if (shape.kind === 'rect') {
    return {
      left: shape.x,
      right: shape.x + shape.width,
      top: shape.y,
      bottom: shape.y + shape.height,
    };
  }
  const width = textWidth(shape.text);
  const left = shape.x - { start: 0, middle: width / 2, end: width }[shape.anchor];
  return { left, right: left + width, top: shape.y - 9, bottom: shape.y };
}

function overlap(a: Shape, b: Shape): boolean {
  const [p, q] = [boxOf(a), boxOf(b)];
  return p.left < q.right && q.left < p.right && p.top < q.bottom && q.top < p.bottom;
}

const texts = (map: HeatMap) =>
  layoutHeatMap(map).shapes.filter((shape): shape is TextShape => shape.kind === 'text');

describe('layoutHeatMap', () => {
  it('puts a cell of the right colour for every score, steps to the right and blocks down', () => {
    const map = mapOf({ steps: 3, blocks: 2 });
    const cells = layoutHeatMap(map).shapes.filter(
      (shape) => shape.kind === 'rect' && shape.width === 21,
    );
    const values = map.panels.flatMap(({ rows }) => rows.flatMap((row) => row.values));
    expect(cells.map(({ fill }) => fill)).toEqual(values.map(scoreColor));
    const [first, second, third, below] = cells as [Shape, Shape, Shape, Shape];
    expect([second.x - first.x, third.x - first.x]).toEqual([22, 44]);
    expect([below.x - first.x, below.y - first.y]).toEqual([0, 22]);
    expect(cells).toHaveLength(12);
  });

  it('keeps everything inside the picture and no two texts on each other, at any size', () => {
    const sizes = fc.record({
      steps: fc.integer({ min: 1, max: 260 }),
      blocks: fc.integer({ min: 1, max: 60 }),
      kinds: fc.subarray(ALL_KINDS, { minLength: 1 }),
      threshold: fc.constantFrom(0.01, 0.1, 0.5, 0.9, 0.99),
    });
    fc.assert(
      fc.property(sizes, (size) => {
        const map = mapOf(size);
        const { width, height, shapes } = layoutHeatMap(map);
        const outside = shapes
          .map(boxOf)
          .filter(
            ({ left, right, top, bottom }) =>
              left < 0 || top < 0 || right > width || bottom > height,
          );
        expect(outside).toEqual([]);
        const words = texts(map);
        const clashes = words.flatMap((a, i) =>
          words.slice(i + 1).flatMap((b) => (overlap(a, b) ? [[a.text, b.text]] : [])),
        );
        expect(clashes).toEqual([]);
      }),
      { numRuns: 25 },
    );
  });

  it('names the panels, the axes and the ends of the scale', () => {
    const words = texts(mapOf({ steps: 20, blocks: 12, kinds: ALL_KINDS, threshold: 0.1 }));
    expect(words.map(({ text }) => text)).toEqual(
      expect.arrayContaining([
        'A title',
        'block',
        'Attention',
        'Cross-attention',
        'MLP',
        'step',
        '1 computed',
        '0.1 threshold',
        '0 predicted',
      ]),
    );
  });

  it('has a key of two colours for decisions', () => {
    const words = texts({ ...mapOf({ steps: 2, blocks: 1 }), scale: 'decision' });
    expect(words.map(({ text }) => text).slice(-2)).toEqual(['computed', 'predicted']);
  });
});
