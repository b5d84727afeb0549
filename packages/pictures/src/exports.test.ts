import { expect, it } from 'vitest';
import * as pictures from './index.js';

it('exports this and nothing else', () => {
  expect(Object.keys(pictures).sort()).toEqual([
    'barPlot',
    'decodePng',
    'encodePng',
    'heatMapOf',
    'heatMapOfScores',
    'heatMapToPng',
    'heatMapToSvg',
    'heatMapToTerminal',
    'imageGrid',
    'linePlot',
    'markdownTable',
    'pixelImages',
    'sideBySide',
    'svgToPng',
    'textTable',
  ]);
});
