import type { TopLevelSpec } from 'vega-lite';

/** A picture that Vega-Lite draws. */
export type PictureSpec = TopLevelSpec;

/** The family of {@link svgToPng} first, so that a page that has it shows what the PNG shows. */
const FONT = 'Inter, Helvetica, Arial, sans-serif';

/**
 * A Vega-Lite specification as an SVG document on white, drawn without a window. Where there is no canvas, texts are
 * taken to be a little wider than they are. The libraries are large, so they are loaded when the first is wanted.
 */
export async function vegaSvg(spec: PictureSpec): Promise<string> {
  const [{ compile }, { parse, View }] = await Promise.all([import('vega-lite'), import('vega')]);
  const { spec: compiled } = compile({
    background: 'white',
    ...spec,
    config: { font: FONT, ...spec.config },
  });
  const view = new View(parse(compiled), { renderer: 'none' });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}
