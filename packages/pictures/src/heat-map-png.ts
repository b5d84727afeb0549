import type { HeatMap } from './heat-map.js';
import { layoutHeatMap } from './heat-map-scene.js';
import { sceneToPng } from './scene-png.js';

/** A heat map as a PNG file, at two pixels per CSS pixel for sharp text. */
export function heatMapToPng(map: HeatMap): Uint8Array {
  return sceneToPng(layoutHeatMap(map));
}
