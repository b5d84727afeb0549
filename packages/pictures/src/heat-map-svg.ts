import type { HeatMap } from './heat-map.js';
import { layoutHeatMap, type Shape } from './heat-map-scene.js';
import { toHex } from './heat-map-terminal.js';
import { FONT_SIZE } from './text-metrics.js';

/** A heat map as an SVG document that stands alone, with its title as accessible name. */
export function heatMapToSvg(map: HeatMap): string {
  const { width, height, shapes } = layoutHeatMap(map);
  const title = escapeXml(map.title);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ` +
      `viewBox="0 0 ${width} ${height}" role="img" ` +
      `font-family="Aileron, Helvetica, Arial, sans-serif" font-size="${FONT_SIZE}">`,
    `<title>${title}</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...shapes.map(shapeToSvg),
    '</svg>\n',
  ].join('\n');
}

function shapeToSvg(shape: Shape): string {
  const place = `x="${round(shape.x)}" y="${round(shape.y)}"`;
  const fill = `fill="${toHex(shape.fill)}"`;
  if (shape.kind === 'rect') {
    return `<rect ${place} width="${shape.width}" height="${shape.height}" ${fill}/>`;
  }
  return `<text ${place} text-anchor="${shape.anchor}" ${fill}>${escapeXml(shape.text)}</text>`;
}

function round(length: number): number {
  return Math.round(length * 100) / 100;
}

function escapeXml(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
  };
  return text.replace(/[&<>"]/g, (character) => entities[character] as string);
}
