import { expect, it } from 'vitest';
import { toSquareSvg } from './icon-svg.js';

it('centres a square icon with a margin of 6 of 128 pixels on each side', () => {
  const svg = toSquareSvg({ body: '<path/>', width: 116, height: 116 });
  expect(svg).toContain('viewBox="-6 -6 128 128" width="128" height="128"');
  expect(svg).toMatch(/^<svg xmlns="[^"]+" xmlns:xlink="[^"]+" [^>]+><path\/><\/svg>$/);
});

it('fits the longer side of an icon that is not square', () => {
  expect(toSquareSvg({ body: '', width: 58, height: 116 })).toContain('viewBox="-35 -6 128 128"');
});
