import { InvalidArgumentError, type PixelImage, ShapeError } from '@harmonica/core';
import { textImage } from './text-image.js';

/** Options of {@link imageGrid}. */
export interface ImageGridOptions {
  /** At least one; 8-bit RGB, all of one size. */
  readonly images: readonly PixelImage[];
  /** Default: the square root of their number, rounded up. */
  readonly columns?: number;
  /** White pixels between images. Default 4. */
  readonly gap?: number;
}

/**
 * Images in rows, left to right and top to bottom, on white.
 *
 * @throws {@link InvalidArgumentError} if there is no image
 * @throws {@link ShapeError} if sizes differ
 */
export function imageGrid(options: ImageGridOptions): PixelImage {
  const { images, gap = 4 } = options;
  const { columns = Math.ceil(Math.sqrt(images.length)) } = options;
  const [first] = images;
  if (!first) {
    throw new InvalidArgumentError({
      argument: 'images',
      value: [],
      expected: 'at least one image',
    });
  }
  const { width, height } = first;
  const rows = Math.ceil(images.length / columns);
  const sheet = blankImage(columns * (width + gap) - gap, rows * (height + gap) - gap);
  for (const [i, image] of images.entries()) {
    if (image.width !== width || image.height !== height) {
      throw new ShapeError({
        tensor: `images[${i}]`,
        actual: [image.height, image.width, image.channels],
        expected: [height, width, 3],
      });
    }
    const x = (i % columns) * (width + gap);
    const y = Math.floor(i / columns) * (height + gap);
    paste({ sheet, image, x, y });
  }
  return sheet;
}

/** An 8-bit RGB image under construction. */
type Sheet = PixelImage & { readonly data: Uint8Array };

/** A white 8-bit RGB image. */
export function blankImage(width: number, height: number): Sheet {
  return { data: new Uint8Array(width * height * 3).fill(255), width, height, channels: 3 };
}

/** Options of {@link paste}. */
interface PasteOptions {
  /** Changed in place. */
  readonly sheet: Sheet;
  /** 8-bit RGB; must lie within the sheet. */
  readonly image: PixelImage;
  readonly x: number;
  readonly y: number;
}

/** Copies an image onto a sheet, its top left corner at `(x, y)`. */
export function paste({ sheet, image, x, y }: PasteOptions): void {
  for (let row = 0; row < image.height; row++) {
    const start = row * image.width * 3;
    const line = image.data.subarray(start, start + image.width * 3);
    sheet.data.set(line, ((y + row) * sheet.width + x) * 3);
  }
}

/** A picture with a line of text above it. */
interface LabelledImage {
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
