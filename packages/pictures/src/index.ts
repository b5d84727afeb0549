export {
  type HeatMap,
  type HeatMapOfScoresOptions,
  type HeatMapOptions,
  type HeatMapPanel,
  heatMapOf,
  heatMapOfScores,
} from './heat-map.js';
export { heatMapToPng, heatMapToSvg } from './heat-map-picture.js';
export { heatMapToTerminal, type TerminalOptions } from './heat-map-terminal.js';
export { type ImageGridOptions, imageGrid } from './image-grid.js';
export {
  type BarPlotOptions,
  barPlot,
  type LinePlotOptions,
  linePlot,
  type PlotBar,
  type PlotPoint,
} from './plots.js';
export { decodePng, encodePng, pixelImages } from './png.js';
export { type LabelledImage, sideBySide } from './side-by-side.js';
export { type SvgToPngOptions, svgToPng } from './svg-to-png.js';
export { markdownTable, type TableOptions, textTable } from './table.js';
