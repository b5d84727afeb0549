import type { PixelImage } from '@harmonica/core';
import { encodePng } from './png.js';
import { svgToPng } from './svg-to-png.js';
import { vegaSvg } from './vega-svg.js';

/** A picture with a line of text above it. */
export interface LabelledImage {
  readonly label: string;
  /** 8-bit RGB. */
  readonly image: PixelImage;
}

const MARGIN = 16;

/** Pictures beside each other on white, each under its label and pixel by pixel as it is, as a PNG file. */
export async function sideBySide(pictures: readonly LabelledImage[]): Promise<Uint8Array> {
  const svg = await vegaSvg({
    padding: MARGIN,
    spacing: MARGIN,
    hconcat: pictures.map(({ label, image }) => ({
      title: label,
      width: image.width,
      height: image.height,
      data: { values: [{ url: pngUrl(image) }] },
      mark: {
        type: 'image',
        x: 0,
        y: 0,
        align: 'left',
        baseline: 'top',
        width: image.width,
        height: image.height,
        aria: false,
      },
      encoding: { url: { field: 'url', type: 'nominal' } },
    })),
    config: {
      view: { stroke: null },
      title: { anchor: 'start', fontSize: 20, fontWeight: 'normal', offset: MARGIN },
    },
  });
  return svgToPng({ svg, scale: 1 });
}

function pngUrl(image: PixelImage): string {
  return `data:image/png;base64,${Buffer.from(encodePng(image)).toString('base64')}`;
}
