import type { BranchKind } from '@harmonica/core';
import { type HeatMap, type HeatMapPanel, roundedScore } from './heat-map.js';
import { type Rgb, scoreColor } from './heat-map-terminal.js';
import { textStart, textWidth } from './text-metrics.js';

/** A filled rectangle. Lengths are whole CSS pixels; y grows downwards. */
export interface RectShape {
  readonly kind: 'rect';
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly fill: Rgb;
}

/** A line of text. `x` is its start, middle or end by `anchor`, `y` its baseline. */
export interface TextShape {
  readonly kind: 'text';
  readonly x: number;
  readonly y: number;
  readonly text: string;
  readonly anchor: 'start' | 'middle' | 'end';
  readonly fill: Rgb;
}

/** A part of a {@link Scene}. */
export type Shape = RectShape | TextShape;

/** A picture as a list of shapes, painted in order on white. */
export interface Scene {
  /** In CSS pixels. */
  readonly width: number;
  /** In CSS pixels. */
  readonly height: number;
  readonly shapes: readonly Shape[];
}

/** Name of each kind of branch over its panel. */
export const PANEL_TITLES: Readonly<Record<BranchKind, string>> = {
  attention: 'Attention',
  'cross-attention': 'Cross-attention',
  mlp: 'MLP',
};

const INK: Rgb = [32, 33, 36];
const FAINT: Rgb = [110, 113, 120];
const MARGIN = 20;
/** From the top margin to the baseline of the title, of the panels' names, and to the cells. */
const TITLE_BASELINE = 12;
const PANEL_BASELINE = 44;
const CELLS_TOP = 53;
/** From the cells to the baselines of the step numbers and of the axis name, and to the bottom margin. */
const TICK_BASELINE = 17;
const AXIS_BASELINE = 35;
const AXIS_HEIGHT = 38;
const LABEL_SPACE = 7;
const PANEL_SPACE = 26;
const LEGEND_WIDTH = 14;
/** From the middle of a digit to its baseline. */
const HALF_DIGIT = 5;
const LINE_HEIGHT = 16;
const LEAST_BAR_HEIGHT = 4 * LINE_HEIGHT;

/** Where the cells of one panel are. */
interface PanelFrame {
  readonly x: number;
  readonly top: number;
  readonly cell: { readonly width: number; readonly height: number };
}

/**
 * Lays a heat map out: panels side by side, block numbers on their left, step numbers below, and a legend on the
 * right. Cells shrink as steps and blocks grow.
 */
export function layoutHeatMap(map: HeatMap): Scene {
  const rows = Math.max(...map.panels.map((panel) => panel.rows.length));
  const cell = { width: clampInt(380 / map.steps, 2, 22), height: clampInt(264 / rows, 7, 22) };
  const top = MARGIN + CELLS_TOP;
  const bottom = top + rows * cell.height;
  const shapes: Shape[] = [
    text({ x: MARGIN, y: MARGIN + TITLE_BASELINE, text: map.title, anchor: 'start', fill: INK }),
  ];
  let x = MARGIN + textWidth('block') + LABEL_SPACE;
  map.panels.forEach((panel, i) => {
    if (i > 0) x += PANEL_SPACE + LABEL_SPACE + textWidth(String(rows));
    x = Math.round(x);
    if (i === 0) shapes.push(rowLabel({ x, y: MARGIN + PANEL_BASELINE, label: 'block' }));
    shapes.push(...layoutPanel(panel, { x, top, cell }));
    x += Math.max(cell.width * map.steps, textWidth(PANEL_TITLES[panel.kind]));
  });
  x = Math.round(x + PANEL_SPACE);
  shapes.push(
    ...(map.scale === 'score'
      ? colorBar({ map, x, top, bottom: Math.max(bottom, top + LEAST_BAR_HEIGHT) })
      : colorKey(x, top)),
  );
  return {
    width: Math.ceil(Math.max(...shapes.map(rightOf)) + MARGIN),
    height: bottom + AXIS_HEIGHT + MARGIN,
    shapes,
  };
}

function layoutPanel({ kind, rows }: HeatMapPanel, { x, top, cell }: PanelFrame): Shape[] {
  const steps = rows[0]?.values.length ?? 0;
  const bottom = top + rows.length * cell.height;
  const gap = Math.min(cell.width, cell.height) >= 7 ? 1 : 0;
  const cells = rows.flatMap(({ values }, row) =>
    values.map((value, step): Shape => {
      const place = { x: x + step * cell.width, y: top + row * cell.height };
      const size = { width: cell.width - gap, height: cell.height - gap };
      return { kind: 'rect', ...place, ...size, fill: scoreColor(value) };
    }),
  );
  const blockTicks = ticks(rows.length, LINE_HEIGHT / cell.height).map((row) =>
    rowLabel({
      x,
      y: top + (row + 0.5) * cell.height + HALF_DIGIT,
      label: String(rows[row]?.block),
    }),
  );
  const stepSpace = textWidth(String(steps)) + LABEL_SPACE;
  const stepTicks = ticks(steps, stepSpace / cell.width).map((step) =>
    text({
      x: x + (step + 0.5) * cell.width,
      y: bottom + TICK_BASELINE,
      text: String(step),
      anchor: 'middle',
      fill: FAINT,
    }),
  );
  const middle = x + (steps * cell.width) / 2;
  return [
    text({
      x,
      y: top - CELLS_TOP + PANEL_BASELINE,
      text: PANEL_TITLES[kind],
      anchor: 'start',
      fill: INK,
    }),
    ...cells,
    ...blockTicks,
    ...stepTicks,
    text({ x: middle, y: bottom + AXIS_BASELINE, text: 'step', anchor: 'middle', fill: FAINT }),
  ];
}

function colorBar(options: {
  readonly map: HeatMap;
  readonly x: number;
  readonly top: number;
  readonly bottom: number;
}): Shape[] {
  const { map, x, top, bottom } = options;
  const height = bottom - top - 1;
  const slices = Array.from({ length: height }, (_, i): Shape => {
    const fill = scoreColor(1 - (i + 0.5) / height);
    return { kind: 'rect', x, y: top + i, width: LEGEND_WIDTH, height: 1, fill };
  });
  const label = (y: number, content: string) =>
    text({ x: x + LEGEND_WIDTH + LABEL_SPACE, y, text: content, anchor: 'start', fill: FAINT });
  const ends = [label(top + 2 * HALF_DIGIT, '1 computed'), label(bottom - 1, '0 predicted')];
  if (map.threshold === undefined) return [...slices, ...ends];
  const y = Math.round(top + (1 - map.threshold) * height);
  const lowest = bottom - 1 - LINE_HEIGHT;
  const baseline = Math.max(top + 2 * HALF_DIGIT + LINE_HEIGHT, Math.min(lowest, y + HALF_DIGIT));
  const mark: Shape = { kind: 'rect', x: x - 3, y, width: LEGEND_WIDTH + 6, height: 1, fill: INK };
  return [...slices, mark, ...ends, label(baseline, `${roundedScore(map.threshold)} threshold`)];
}

function colorKey(x: number, top: number): Shape[] {
  return [
    { value: 1, label: 'computed' },
    { value: 0, label: 'predicted' },
  ].flatMap(({ value, label }, line): Shape[] => {
    const y = top + line * (LEGEND_WIDTH + LABEL_SPACE);
    const size = { width: LEGEND_WIDTH, height: LEGEND_WIDTH };
    return [
      { kind: 'rect', x, y, ...size, fill: scoreColor(value) },
      text({
        x: x + LEGEND_WIDTH + LABEL_SPACE,
        y: y + LEGEND_WIDTH / 2 + HALF_DIGIT,
        text: label,
        anchor: 'start',
        fill: FAINT,
      }),
    ];
  });
}

/** 0, n, 2n, ... below `count`, with the smallest round n that leaves at least `space` between two. */
function ticks(count: number, space: number): number[] {
  const every = [1, 2, 5, 10, 20, 50, 100].find((n) => n >= space) ?? 200;
  return Array.from({ length: Math.ceil(count / every) }, (_, i) => i * every);
}

function rowLabel(options: { readonly x: number; readonly y: number; readonly label: string }) {
  const { x, y, label } = options;
  return text({ x: x - LABEL_SPACE, y, text: label, anchor: 'end', fill: FAINT });
}

function text(shape: Omit<TextShape, 'kind'>): TextShape {
  return { kind: 'text', ...shape };
}

function rightOf(shape: Shape): number {
  if (shape.kind === 'rect') return shape.x + shape.width;
  return textStart(shape) + textWidth(shape.text);
}

function clampInt(value: number, least: number, most: number): number {
  return Math.floor(Math.min(most, Math.max(least, value)));
}
