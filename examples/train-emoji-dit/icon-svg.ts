/** Edge length of every prepared picture, in pixels. */
export const PICTURE_SIZE = 128;

/** The longer side of an icon's view box takes this many of the picture's pixels. */
const DRAWN_SIZE = 116;

/** One drawing of an Iconify set; `width` and `height` are those of its view box. */
export interface Icon {
  readonly body: string;
  readonly width: number;
  readonly height: number;
}

/** Wraps an icon in a square SVG of {@link PICTURE_SIZE} pixels, centred and with a margin. */
export function toSquareSvg({ body, width, height }: Icon): string {
  const side = (Math.max(width, height) * PICTURE_SIZE) / DRAWN_SIZE;
  const viewBox = [(width - side) / 2, (height - side) / 2, side, side].join(' ');
  return (
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" ' +
    `viewBox="${viewBox}" width="${PICTURE_SIZE}" height="${PICTURE_SIZE}">${body}</svg>`
  );
}
