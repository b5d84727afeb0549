import { branchesOf, router } from '@harmonica/router';
import { describe, expect, it } from 'vitest';
import { heatMapOf } from './heat-map.js';
import { layoutHeatMap } from './heat-map-scene.js';
import { heatMapToSvg } from './heat-map-svg.js';
import { scoreColor, toHex } from './heat-map-terminal.js';

const map = heatMapOf({ document: router, branches: branchesOf(2) });

describe('heatMapToSvg', () => {
  it('holds every shape of the layout and a white ground', () => {
    const svg = heatMapToSvg(map);
    const { width, height, shapes } = layoutHeatMap(map);
    const rects = shapes.filter(({ kind }) => kind === 'rect');
    expect(svg.match(/<rect /g)).toHaveLength(rects.length + 1);
    expect(svg.match(/<text /g)).toHaveLength(shapes.length - rects.length);
    expect(svg).toContain(`viewBox="0 0 ${width} ${height}"`);
    for (const { values } of map.panels.flatMap(({ rows }) => rows)) {
      for (const value of values) expect(svg).toContain(`fill="${toHex(scoreColor(value))}"`);
    }
  });

  it('has its title as accessible name, with markup escaped', () => {
    const svg = heatMapToSvg({ ...map, title: 'a < b & "c"' });
    expect(svg).toContain('<title>a &lt; b &amp; &quot;c&quot;</title>');
    expect(svg).not.toContain('a < b');
  });

  it('opens and closes its elements', () => {
    const lines = heatMapToSvg(map).trimEnd().split('\n');
    expect(lines[0]).toMatch(/^<svg .*>$/);
    expect(lines.at(-1)).toBe('</svg>');
    for (const line of lines.slice(1, -1)) {
      expect(line).toMatch(/^<(title|text)[ >][^<]*<\/\1>$|^<rect [^<]*\/>$/);
    }
  });
});
