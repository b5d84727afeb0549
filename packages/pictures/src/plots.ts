import type { TopLevelSpec } from 'vega-lite';

type Layer = Extract<TopLevelSpec, { readonly layer: unknown }>['layer'][number];

/** A point of a line plot. */
export interface PlotPoint {
  readonly x: number;
  readonly y: number;
  /** Points of one series are joined, and of one colour and shape. */
  readonly series: string;
}

/** Options of {@link linePlot}. */
export interface LinePlotOptions {
  readonly points: readonly PlotPoint[];
  readonly xTitle: string;
  readonly yTitle: string;
  /** Default `linear`. */
  readonly yScale?: 'linear' | 'log';
  /** A level that is marked across the plot, such as that of the uncached run. */
  readonly level?: { readonly y: number; readonly label: string } | undefined;
  /** Whether points are marked. Default true. */
  readonly marked?: boolean;
}

/** Lines through points, as an SVG document. */
export function linePlot(options: LinePlotOptions): Promise<string> {
  const { points, xTitle, yTitle, yScale = 'linear', level, marked = true } = options;
  // The same domain, so that colours and shapes have one legend.
  const domain = [...new Set(points.map(({ series }) => series))];
  const series = { field: 'series', type: 'nominal', title: null } as const;
  const lines: Layer = {
    encoding: {
      x: { field: 'x', type: 'quantitative', title: xTitle, scale: { zero: false } },
      y: {
        field: 'y',
        type: 'quantitative',
        title: yTitle,
        scale: { type: yScale, ...(yScale === 'linear' && { zero: false }) },
      },
      color: { ...series, scale: { domain, scheme: 'tableau20' } },
    },
    layer: [
      { mark: { type: 'line', strokeWidth: 1.5 } },
      ...(marked
        ? [
            {
              mark: { type: 'point', filled: true, opacity: 1, size: 45 },
              encoding: { shape: { ...series, scale: { domain } } },
            } as const,
          ]
        : []),
    ],
  };
  const data = { values: [{ y: level?.y }] }; // one mark, not one for each point
  const encoding = { y: { field: 'y', type: 'quantitative' } } as const;
  const mark: readonly Layer[] = level
    ? [
        { data, mark: { type: 'rule', strokeDash: [4, 4] }, encoding },
        {
          data,
          mark: { type: 'text', align: 'left', baseline: 'bottom', dx: 4, text: level.label, x: 0 },
          encoding,
        },
      ]
    : [];
  return toSvg({ data: { values: [...points] }, layer: [lines, ...mark] });
}

/** A bar of a bar plot. */
export interface PlotBar {
  readonly group: string;
  readonly value: number;
  readonly series: string;
}

/** Options of {@link barPlot}. */
export interface BarPlotOptions {
  readonly bars: readonly PlotBar[];
  readonly xTitle: string;
  readonly yTitle: string;
}

/** Bars of several series beside each other, in the order given, as an SVG document. */
export function barPlot({ bars, xTitle, yTitle }: BarPlotOptions): Promise<string> {
  return toSvg({
    data: { values: [...bars] },
    mark: 'bar',
    encoding: {
      x: { field: 'group', type: 'nominal', title: xTitle, sort: null, axis: { labelAngle: 0 } },
      xOffset: { field: 'series', sort: null },
      y: { field: 'value', type: 'quantitative', title: yTitle },
      color: { field: 'series', type: 'nominal', title: null, sort: null },
    },
  });
}

/** A plot without a window to show it in. The libraries are large, so they are loaded when the first is wanted. */
async function toSvg(spec: TopLevelSpec): Promise<string> {
  const [{ compile }, { parse, View }] = await Promise.all([import('vega-lite'), import('vega')]);
  const { spec: compiled } = compile({
    width: 560,
    height: 320,
    background: 'white',
    config: {
      font: 'Helvetica, Arial, sans-serif',
      axis: { gridColor: '#eee' },
      legend: { labelLimit: 300 },
    },
    ...spec,
  });
  const view = new View(parse(compiled), { renderer: 'none' });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}
