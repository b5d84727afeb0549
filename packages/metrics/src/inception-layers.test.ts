import { describe, expect, it } from 'vitest';
import { convolutionsOf, inceptionLayers } from './inception-layers.js';

const convolutions = convolutionsOf(inceptionLayers({ lastPool: 'average-pool' }), 3);

describe('Inception v3', () => {
  it("has torchvision's number of parameters without classifiers", () => {
    const count = convolutions.reduce(
      (sum, { inputs, outputs, kernel: [height, width] }) =>
        sum + inputs * outputs * height * width + 2 * outputs,
      0,
    );
    expect(count).toBe(21_785_568);
    expect(convolutions).toHaveLength(94);
  });

  it('gives each convolution a name of its own', () => {
    expect(new Set(convolutions.map(({ name }) => name)).size).toBe(94);
  });

  it('joins the channels of all branches, forks within branches too', () => {
    const inputsOf = (name: string) => convolutions.find((layer) => layer.name === name)?.inputs;
    expect(inputsOf('Mixed_5c.branch1x1')).toBe(256);
    expect(inputsOf('Mixed_6b.branch1x1')).toBe(768);
    expect(inputsOf('Mixed_7b.branch1x1')).toBe(1280);
    expect(inputsOf('Mixed_7c.branch1x1')).toBe(2048);
  });
});
