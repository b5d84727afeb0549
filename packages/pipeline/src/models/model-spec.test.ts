import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@harmonica/testing';
import { describe, expect, it } from 'vitest';
import { TINY_CONFIG } from '../../../emoji-dit/test/tiny-model.js';
import { modelArchitecture, modelSpec } from './find-model.js';

const provenance = {
  model: { name: 'DiT-XL/2', sha256: '' },
  latent: { height: 64, width: 64, channels: 4 },
};

describe('modelSpec', () => {
  it('knows emoji-dit, published sizes, folders and files', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'config.json'), JSON.stringify(TINY_CONFIG));
    const file = join(folder, 'small.json');
    const own = { depth: 3, hiddenSize: 48, heads: 3, patchSize: 2, numClasses: 10 };
    await writeFile(file, JSON.stringify(own));
    const specs = await Promise.all(
      ['emoji-dit', 'DiT-S/8', folder, file].map((model) => modelSpec({ model })),
    );
    expect(specs.map(({ name }) => name)).toEqual(['emoji-dit', 'DiT-S/8', 'emoji-dit', 'small']);
    expect(specs.map(({ branches }) => branches.length)).toEqual([24, 24, 6, 6]);
    expect(specs.map(({ latent }) => latent.height)).toEqual([16, 32, 8, 32]);
  });

  it('takes model and latent size from a provenance', async () => {
    const { latent, branches } = await modelSpec({ provenance });
    expect([latent.height, branches.length]).toEqual([64, 56]);
    const { spec } = await modelArchitecture({
      provenance,
      model: 'DiT-B/4',
      latent: { height: 16, width: 16, channels: 3 },
    });
    expect(spec.branches).toHaveLength(24);
    expect(spec.latent).toEqual({ height: 16, width: 16, channels: 3 });
  });

  it('asks for the model it does not know', async () => {
    const unknown = { ...provenance, model: { name: 'mine', sha256: '' } };
    await expect(modelSpec({ provenance: unknown })).rejects.toThrow(/^model is "mine"/);
    await expect(modelSpec({})).rejects.toThrow(/say which one it is/);
    await expect(modelSpec({ model: '/nowhere/x.json' })).rejects.toMatchObject({ code: 'file' });
  });
});
