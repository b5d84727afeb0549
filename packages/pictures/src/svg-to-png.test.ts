import { expect, it } from 'vitest';
import { decodePng } from './png.js';
import { svgToPng } from './svg-to-png.js';

const svgOf = (content: string) =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20">
    <rect width="40" height="20" fill="white"/>${content}
  </svg>`;

const text = (family: string) =>
  svgOf(`<text x="2" y="15" font-size="13" font-family="${family}">step</text>`);

it('draws shapes at two pixels a CSS pixel, or as many as asked for', async () => {
  const svg = svgOf('<rect x="10" width="5" height="20" fill="rgb(1,2,3)"/>');
  const [two, one] = await Promise.all([svgToPng({ svg }), svgToPng({ svg, scale: 1 })]);
  expect(decodePng(two)).toMatchObject({ width: 80, height: 40 });
  const { data, width } = decodePng(one);
  expect(width).toBe(40);
  expect([...data.subarray(9 * 3, 16 * 3)]).toEqual(
    [[255, 255, 255], ...new Array(5).fill([1, 2, 3]), [255, 255, 255]].flat(),
  );
});

it('sets text in the same font, whatever the family', async () => {
  const inter = decodePng(await svgToPng({ svg: text('Inter') })).data;
  const dark = inter.filter((value) => value < 128).length;
  expect(dark).toBeGreaterThan(100);
  expect(decodePng(await svgToPng({ svg: text('Arial, sans-serif') })).data).toEqual(inter);
});
