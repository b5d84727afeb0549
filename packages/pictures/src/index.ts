export {
  type HeatMap,
  type HeatMapOfScoresOptions,
  type HeatMapOptions,
  type HeatMapPanel,
  heatMapOf,
  heatMapOfScores,
} from './heat-map.js';
export { heatMapToPng } from './heat-map-png.js';
export {
  layoutHeatMap,
  type RectShape,
  type Scene,
  type Shape,
  type TextShape,
} from './heat-map-scene.js';
export { heatMapToSvg } from './heat-map-svg.js';
export {
  heatMapToTerminal,
  type Rgb,
  scoreColor,
  type TerminalOptions,
} from './heat-map-terminal.js';
export { type ImageGridOptions, imageGrid, sideBySide } from './image-grid.js';
export { barPlot, linePlot, type PlotPoint } from './plots.js';
export { decodePng, encodePng, pixelImages } from './png.js';
export { sceneToPng } from './scene-png.js';
export { markdownTable, type TableOptions, textTable } from './table.js';
