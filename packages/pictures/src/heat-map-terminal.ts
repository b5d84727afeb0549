import { type HeatMap, type HeatMapPanel, roundedScore } from './heat-map.js';
import { PANEL_TITLES } from './heat-map-scene.js';

/** Options of {@link heatMapToTerminal}. */
export interface TerminalOptions {
  /** `truecolor` writes 24-bit ANSI colours; `none` shades with characters and writes no escape codes. */
  readonly color: 'truecolor' | 'none';
  /** Width of the terminal in characters. Default 80. A panel that is wider still is not folded. */
  readonly columns?: number;
}

const RESET = '\u001b[0m';
const UPPER_HALF = '\u2580';
const SHADES = ['\u00b7', '\u2591', '\u2592', '\u2593', '\u2588'] as const;
const PANEL_SPACE = '   ';
/** More rows than this are drawn in half lines. */
const MOST_FULL_ROWS = 16;
const LEGEND_VALUES = Array.from({ length: 12 }, (_, i) => i / 11);

/** Draws cells: `rowsPerLine` rows of values, one below the other, as one line of text. */
interface Brush {
  readonly rowsPerLine: 1 | 2;
  readonly charactersPerCell: 1 | 2;
  paint(rows: readonly (readonly number[])[]): string;
}

/**
 * A heat map as text, ending with a line break: panels side by side where they fit, else one below the other. Cells
 * are two characters wide where that fits; with colours they are otherwise one character wide and half a line high.
 */
export function heatMapToTerminal(map: HeatMap, options: TerminalOptions): string {
  const { color, columns = 80 } = options;
  const brush = chooseBrush({ map, color, columns });
  const blocks = map.panels.map((panel) => panelLines({ panel, steps: map.steps, brush }));
  const body =
    mapWidth(map, brush.charactersPerCell) <= columns
      ? besideEachOther(blocks)
      : blocks.flatMap((lines, i) => (i === 0 ? lines : ['', ...lines]));
  return [map.title, '', ...body, '', legend(map, brush), ''].join('\n');
}

function chooseBrush(options: {
  readonly map: HeatMap;
  readonly color: 'truecolor' | 'none';
  readonly columns: number;
}): Brush {
  const { map, color, columns } = options;
  const wide = mapWidth(map, 2) <= columns;
  if (color === 'none') return shadeBrush(wide ? 2 : 1);
  const low = map.panels.every(({ rows }) => rows.length <= MOST_FULL_ROWS);
  return wide && low ? fullBrush : halfBrush;
}

/** Shades two characters or one wide, a row a line. */
const shadeBrush = (charactersPerCell: 1 | 2): Brush => ({
  rowsPerLine: 1,
  charactersPerCell,
  paint: ([row = []]) => row.map((value) => shadeOf(value).repeat(charactersPerCell)).join(''),
});

/** Coloured blanks two characters wide, a row a line. */
const fullBrush: Brush = {
  rowsPerLine: 1,
  charactersPerCell: 2,
  paint: ([row = []]) => row.map((value) => `\u001b[48;2;${codeOf(value)}m  `).join('') + RESET,
};

/** Half blocks one character wide, two rows a line: the upper in the text colour, the lower behind it. */
const halfBrush: Brush = {
  rowsPerLine: 2,
  charactersPerCell: 1,
  paint: ([upper = [], lower]) =>
    upper
      .map((value, step) => {
        const below = lower ? `48;2;${codeOf(lower[step] as number)}` : '49';
        return `\u001b[38;2;${codeOf(value)};${below}m${UPPER_HALF}`;
      })
      .join('') + RESET,
};

function panelLines(options: {
  readonly panel: HeatMapPanel;
  readonly steps: number;
  readonly brush: Brush;
}): readonly string[] {
  const { panel, steps, brush } = options;
  const margin = labelWidth(panel) + 1;
  const width = panelWidth({ panel, steps, charactersPerCell: brush.charactersPerCell });
  const blank = ' '.repeat(margin);
  const lines: string[] = [];
  for (let i = 0; i < panel.rows.length; i += brush.rowsPerLine) {
    const rows = panel.rows.slice(i, i + brush.rowsPerLine);
    const label = String(rows[0]?.block).padStart(margin - 1);
    const cells = brush.paint(rows.map(({ values }) => values));
    const end = ' '.repeat(width - margin - steps * brush.charactersPerCell);
    lines.push(`${label} ${cells}${end}`);
  }
  const last = steps > 1 ? String(steps - 1) : '';
  const axis = `0${last.padStart(steps * brush.charactersPerCell - 1)}`;
  return [(blank + PANEL_TITLES[panel.kind]).padEnd(width), ...lines, (blank + axis).padEnd(width)];
}

function besideEachOther(blocks: readonly (readonly string[])[]): readonly string[] {
  const height = Math.max(...blocks.map((lines) => lines.length));
  return Array.from({ length: height }, (_, i) =>
    blocks
      .map((lines) => lines[i] ?? ' '.repeat(lines[0]?.length ?? 0))
      .join(PANEL_SPACE)
      .trimEnd(),
  );
}

function legend(map: HeatMap, brush: Brush): string {
  const values = map.scale === 'score' ? LEGEND_VALUES : [0, 1];
  const rows = new Array<readonly number[]>(brush.rowsPerLine).fill(values);
  const threshold =
    map.threshold === undefined ? '' : ` (score above ${roundedScore(map.threshold)})`;
  return `predicted ${brush.paint(rows)} computed${threshold}; steps from left to right`;
}

function mapWidth({ panels, steps }: HeatMap, charactersPerCell: 1 | 2): number {
  const widths = panels.map((panel) => panelWidth({ panel, steps, charactersPerCell }));
  return widths.reduce((sum, width) => sum + width, PANEL_SPACE.length * (panels.length - 1));
}

function panelWidth(options: {
  readonly panel: HeatMapPanel;
  readonly steps: number;
  readonly charactersPerCell: 1 | 2;
}): number {
  const { panel, steps, charactersPerCell } = options;
  const content = Math.max(steps * charactersPerCell, PANEL_TITLES[panel.kind].length);
  return labelWidth(panel) + 1 + content;
}

function labelWidth({ rows }: HeatMapPanel): number {
  return Math.max(...rows.map(({ block }) => String(block).length));
}

function shadeOf(value: number): string {
  const index = Math.min(SHADES.length - 1, Math.floor(value * SHADES.length));
  return SHADES[index] as string;
}

function codeOf(value: number): string {
  return scoreColor(value).join(';');
}

/** Red, green and blue, integers in [0, 255]. */
export type Rgb = readonly [red: number, green: number, blue: number];

const LIGHTNESS = { from: 0.25, to: 0.93 };
const HUE_DEGREES = { from: 275, to: 460 };
const CHROMA = 0.135;

/**
 * Colour of a score: from deep blue (0, predicted) over magenta to yellow (1, computed).
 *
 * A helix of constant chroma in OKLab (Ottosson 2020), lightness and hue linear in the score, so equal differences of
 * score look equally large everywhere and lightness alone tells the order. All of it lies inside sRGB.
 *
 * @param score clamped to [0, 1].
 */
export function scoreColor(score: number): Rgb {
  const t = Math.min(1, Math.max(0, score));
  const lightness = LIGHTNESS.from + t * (LIGHTNESS.to - LIGHTNESS.from);
  const hue = ((HUE_DEGREES.from + t * (HUE_DEGREES.to - HUE_DEGREES.from)) * Math.PI) / 180;
  return oklabToRgb(lightness, CHROMA * Math.cos(hue), CHROMA * Math.sin(hue));
}

/** `#rrggbb`. */
export function toHex(color: Rgb): string {
  return `#${color.map((channel) => channel.toString(16).padStart(2, '0')).join('')}`;
}

/** Ottosson, "A perceptual color space for image processing" (2020): OKLab to linear sRGB, then the sRGB curve. */
function oklabToRgb(lightness: number, a: number, b: number): Rgb {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    encode(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    encode(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    encode(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ];
}

/** A linear channel in [0, 1] as an sRGB byte (IEC 61966-2-1). */
function encode(linear: number): number {
  const clamped = Math.min(1, Math.max(0, linear));
  const curved = clamped <= 0.0031308 ? 12.92 * clamped : 1.055 * clamped ** (1 / 2.4) - 0.055;
  return Math.round(255 * curved);
}
