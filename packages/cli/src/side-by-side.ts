import type { PixelImage } from '@harmonica/metrics';
import { blankImage, paste } from './image-grid.js';
import { textImage } from './text-image.js';

/** A picture with a line of text above it. */
export interface LabelledImage {
  readonly label: string;
  /** 8-bit RGB. */
  readonly image: PixelImage;
}

const MARGIN = 16;

/** Pictures beside each other on white, each under its label. */
export function sideBySide(pictures: readonly LabelledImage[]): PixelImage {
  const columns = pictures.map(({ label, image }) => ({ image, text: textImage(label) }));
  const textHeight = Math.max(...columns.map(({ text }) => text.height));
  const widths = columns.map(({ image, text }) => Math.max(image.width, text.width));
  const width = widths.reduce((sum, each) => sum + each, MARGIN * (columns.length + 1));
  const height = 3 * MARGIN + textHeight + Math.max(...columns.map(({ image }) => image.height));
  const sheet = blankImage(width, height);
  let x = MARGIN;
  for (const [i, { image, text }] of columns.entries()) {
    paste({ sheet, image: text, x, y: MARGIN });
    paste({ sheet, image, x, y: 2 * MARGIN + textHeight });
    x += (widths[i] as number) + MARGIN;
  }
  return sheet;
}
