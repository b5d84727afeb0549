import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { TINY_CONFIG } from '../test/tiny-model.js';
import { emojiDitConfig } from './emoji-dit-config.js';

describe('emojiDitConfig', () => {
  it('describes the model that comes with the package', async () => {
    const { classes, dit, autoencoder, scalingFactor } = await emojiDitConfig();
    expect(classes).toHaveLength(90);
    expect(classes.indexOf('food-fruit')).toBe(33);
    expect(dit).toEqual({
      name: 'emoji-dit',
      depth: 12,
      hiddenSize: 256,
      heads: 4,
      patchSize: 2,
      mlpRatio: 4,
      inputSize: 16,
      inChannels: 4,
      numClasses: 90,
      learnSigma: true,
    });
    expect(autoencoder.blockOutChannels).toEqual([32, 64, 128, 128]);
    expect(scalingFactor).toBeCloseTo(0.8126, 4);
  });

  it('refuses a folder without a configuration', async () => {
    await expect(emojiDitConfig('/nowhere')).rejects.toMatchObject({ code: 'file' });
  });

  it('lists every fault with its place', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'emoji-dit-'));
    const { dit } = TINY_CONFIG;
    const faulty = {
      ...TINY_CONFIG,
      classes: ['heart', 'flag', 'heart'],
      dit: { ...dit, num_classes: 4 },
    };
    await writeFile(join(folder, 'config.json'), JSON.stringify(faulty));
    await expect(emojiDitConfig(folder)).rejects.toMatchObject({
      code: 'config',
      issues: [
        { path: 'classes', message: '3 names for the 4 classes of the DiT' },
        { path: 'classes', message: '"heart" stands for two classes' },
      ],
    });
    await writeFile(join(folder, 'config.json'), JSON.stringify({ ...TINY_CONFIG, dit: {} }));
    await expect(emojiDitConfig(folder)).rejects.toThrow(/dit\.depth/);
  });
});
