import { type HeatMap, type HeatMapPanel, PANEL_TITLES, roundedScore } from './heat-map.js';
import { scoreColor } from './heat-map-terminal.js';
import { svgToPng } from './svg-to-png.js';
import { type PictureSpec, vegaSvg } from './vega-svg.js';

type View = Extract<PictureSpec, { readonly hconcat: unknown }>['hconcat'][number];

const INK = '#202124';
const FAINT = '#6e7178';
const FONT_SIZE = 13;
/** Between labels that stand one above the other, in CSS pixels. */
const LINE_HEIGHT = 16;
/** A colour that stands for itself, not for a value to be scaled. */
const COLOR = { field: 'color', type: 'nominal', scale: null } as const;

/**
 * A heat map as an SVG document that stands alone: panels side by side, steps from left to right, blocks from top to
 * bottom, and what the colours mean on the right. Cells shrink as steps and blocks grow.
 */
export function heatMapToSvg(map: HeatMap): Promise<string> {
  const rows = Math.max(...map.panels.map((panel) => panel.rows.length));
  const cell = { width: clampInt(380 / map.steps, 2, 22), height: clampInt(264 / rows, 7, 22) };
  return vegaSvg({
    title: { text: map.title, anchor: 'start', offset: LINE_HEIGHT },
    padding: 20,
    spacing: 26,
    hconcat: [
      ...map.panels.map((panel) => panelView(panel, cell)),
      colorBar(map, rows * cell.height),
    ],
    config: {
      view: { stroke: null },
      title: { color: INK, fontSize: FONT_SIZE, fontWeight: 'normal' },
      axis: {
        domain: false,
        labelPadding: 5,
        labelColor: FAINT,
        labelFontSize: FONT_SIZE,
        titleColor: FAINT,
        titleFontSize: FONT_SIZE,
        titleFontWeight: 'normal',
      },
    },
  });
}

/** A heat map as a PNG file, at two pixels per CSS pixel for sharp text. */
export async function heatMapToPng(map: HeatMap): Promise<Uint8Array> {
  return svgToPng({ svg: await heatMapToSvg(map) });
}

/** Width and height in CSS pixels. */
interface Size {
  readonly width: number;
  readonly height: number;
}

function panelView({ kind, rows }: HeatMapPanel, cell: Size): View {
  const gap = Math.min(cell.width, cell.height) >= 7 ? 1 : 0;
  const axis = { ticks: false, labelAngle: 0, labelOverlap: 'parity' } as const;
  return {
    title: { text: PANEL_TITLES[kind], anchor: 'start', frame: 'group' },
    width: { step: cell.width },
    height: { step: cell.height },
    data: {
      values: rows.flatMap(({ block, values }) =>
        values.map((value, step) => ({ step, block, color: cssColor(value) })),
      ),
    },
    mark: { type: 'rect', aria: false },
    encoding: {
      x: {
        field: 'step',
        type: 'ordinal',
        axis,
        scale: { paddingInner: gap / cell.width },
      },
      y: {
        field: 'block',
        type: 'ordinal',
        axis,
        scale: { paddingInner: gap / cell.height },
      },
      color: COLOR,
    },
  };
}

/** What the colours mean: all scores and the threshold, or the two decisions. */
function colorBar({ scale, threshold }: HeatMap, panelHeight: number): View {
  const isScore = scale === 'score';
  const height = isScore ? Math.max(panelHeight, 4 * LINE_HEIGHT) : 2 * LINE_HEIGHT;
  const slices = isScore ? height : 2; // Whole pixels, so that no gaps show between them.
  const ends = isScore
    ? [
        { at: 0, label: '0 predicted' },
        { at: 1, label: '1 computed' },
      ]
    : [
        { at: 0.25, label: 'predicted' },
        { at: 0.75, label: 'computed' },
      ];
  const labels =
    threshold === undefined
      ? ends
      : [
          ...ends.filter(({ at }) => Math.abs(at - threshold) * height >= LINE_HEIGHT),
          { at: threshold, label: `${roundedScore(threshold)} threshold` },
        ];
  const textAt = Object.fromEntries(labels.map(({ at, label }) => [at, label]));
  return {
    width: 14,
    height,
    data: {
      values: Array.from({ length: slices }, (_, i) => ({
        from: i / slices,
        to: (i + 1) / slices,
        color: cssColor(i / (slices - 1)),
      })),
    },
    mark: { type: 'rect', aria: false },
    encoding: {
      y: {
        field: 'from',
        type: 'quantitative',
        title: null,
        scale: { domain: [0, 1] },
        axis: {
          orient: 'right',
          grid: false,
          ticks: isScore,
          values: labels.map(({ at }) => at),
          labelExpr: `${JSON.stringify(textAt)}[datum.value]`,
        },
      },
      y2: { field: 'to' },
      color: COLOR,
    },
  };
}

function cssColor(score: number): string {
  return `rgb(${scoreColor(score).join(',')})`;
}

function clampInt(value: number, min: number, max: number): number {
  return Math.floor(Math.min(max, Math.max(min, value)));
}
