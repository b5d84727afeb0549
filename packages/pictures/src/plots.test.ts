import { describe, expect, it } from 'vitest';
import { barPlot, linePlot } from './plots.js';

describe('linePlot', () => {
  const points = [
    { x: 1, y: 30, series: 'first' },
    { x: 2, y: 20, series: 'first' },
    { x: 1.5, y: 22, series: 'second' },
  ];

  it('has a line for each series, its name, the titles and one level', async () => {
    const level = { y: 28, label: 'uncached' };
    const svg = await linePlot({ points, xTitle: 'speed-up', yTitle: 'PSNR', level });
    expect(svg).toMatch(/^<svg /);
    for (const text of ['first', 'second', 'speed-up', 'PSNR', 'uncached']) {
      expect(svg.split(`>${text}<`)).toHaveLength(2);
    }
    expect(svg).not.toMatch(/NaN|undefined/);
  });

  it('has no level where none is given', async () => {
    const svg = await linePlot({ points, xTitle: 'x', yTitle: 'y', yScale: 'log', marked: false });
    expect(svg).not.toContain('>uncached<');
    expect(svg).not.toMatch(/NaN|undefined/);
  });
});

describe('barPlot', () => {
  it('has a bar for each value', async () => {
    const bars = [0, 1, 2].flatMap((block) => [
      { group: String(block), series: 'attention', value: 1 + block },
      { group: String(block), series: 'mlp', value: 2 },
    ]);
    const svg = await barPlot({ bars, xTitle: 'block', yTitle: 'MACs' });
    expect(svg.match(/aria-roledescription="bar"/g)).toHaveLength(6);
    expect(svg).not.toMatch(/NaN|undefined/);
  });
});
