import { branchesOf } from '@harmonica/router';
import { describe, expect, it } from 'vitest';
import { type HeatMap, heatMapOfScores } from './heat-map.js';
import { heatMapToTerminal, scoreColor } from './heat-map-terminal.js';

const map = heatMapOfScores({
  scores: [
    [1, 1, 1, 1, 1, 1],
    [0, 0.3, 0.5, 0.7, 1, 0.1],
    [0.9, 0, 0, 0, 0.2, 0.6],
  ],
  branches: branchesOf(3),
  title: 'Router',
  threshold: 0.1,
});

const ESCAPE = '\u001b';
const visible = (text: string) => text.replaceAll(new RegExp(`${ESCAPE}\\[[0-9;]*m`, 'g'), '');
const background = (value: number) => `${ESCAPE}[48;2;${scoreColor(value).join(';')}m`;
const foreground = (value: number) => `${ESCAPE}[38;2;${scoreColor(value).join(';')}`;

describe('heatMapToTerminal without colours', () => {
  it('shades cells two characters wide where they fit', () => {
    expect(heatMapToTerminal(map, { color: 'none' })).toBe(`Router

  Attention     MLP
0 ██··██      0 ██░░··
1 ██▒▒··      1 ██▓▓··
2 ████░░      2 ██··▓▓
  0    2        0    2

predicted ······░░░░▒▒▒▒▓▓▓▓██████ computed (score above 0.1); steps from left to right
`);
  });

  it('puts panels below each other in a narrow terminal', () => {
    const lines = heatMapToTerminal(map, { color: 'none', columns: 18 }).split('\n');
    const cells = lines.map((line) => line.trimEnd()).slice(2, 13);
    expect(cells).toEqual([
      '  Attention',
      '0 █·█',
      '1 █▒·',
      '2 ██░',
      '  0 2',
      '',
      '  MLP',
      '0 █░·',
      '1 █▓·',
      '2 █·▓',
      '  0 2',
    ]);
  });
});

describe('heatMapToTerminal in colours', () => {
  it('paints blanks where cells of two characters fit', () => {
    const text = heatMapToTerminal(map, { color: 'truecolor' });
    const row = [1, 0.5, 0].map((value) => `${background(value)}  `).join('');
    expect(text).toContain(`1 ${row}${ESCAPE}[0m`);
    expect(visible(text)).toContain('  Attention     MLP\n');
  });

  it('paints two rows on a line where they do not', () => {
    const tall = manyRows(map, 17);
    const text = heatMapToTerminal(tall, { color: 'truecolor' });
    const [upper, lower] = tall.panels[0]?.rows ?? [];
    const cells = upper?.values.map((value, step) => {
      const below = scoreColor(lower?.values[step] as number).join(';');
      return `${foreground(value)};48;2;${below}m\u2580`;
    });
    expect(text).toContain(` 0 ${cells?.join('')}${ESCAPE}[0m`);
    // 17 rows are nine lines, the last with nothing behind its upper half.
    expect(visible(text).match(/^ ?\d+ \u2580/gm)).toHaveLength(9);
    expect(text).toContain(';49m\u2580');
  });

  it('ends every coloured line in the colours that it began with', () => {
    for (const line of heatMapToTerminal(map, { color: 'truecolor' }).split('\n')) {
      const codes = line.match(new RegExp(`${ESCAPE}\\[[0-9;]*m`, 'g')) ?? [];
      expect(codes.at(-1) ?? `${ESCAPE}[0m`).toBe(`${ESCAPE}[0m`);
    }
  });

  it('draws the same picture in both modes', () => {
    const plain = heatMapToTerminal(map, { color: 'none' }).split('\n');
    const colored = visible(heatMapToTerminal(map, { color: 'truecolor' })).split('\n');
    expect(colored).toHaveLength(plain.length);
    expect(colored.map((line) => line.length)).toEqual(plain.map((line) => line.length));
  });
});

function manyRows(base: HeatMap, count: number): HeatMap {
  const panels = base.panels.map((panel) => ({
    ...panel,
    rows: Array.from({ length: count }, (_, block) => ({
      block,
      values: panel.rows[block % panel.rows.length]?.values ?? [],
    })),
  }));
  return { ...base, panels };
}
