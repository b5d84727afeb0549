import { CheckpointError } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { expectedTensors, expectTensors, fixture } from './__fixtures__/fixtures.js';
import { openSafetensors } from './safetensors/safetensors-file.js';
import { mapNames } from './weight-source.js';

const name = 'f32.safetensors';
const open = () => openSafetensors(fixture(name));

describe('mapNames', () => {
  it('renames by function, leaving out what it gives no name', async () => {
    const prefix = 'blocks.0.';
    const source = mapNames(await open(), (stored) =>
      stored.startsWith(prefix) ? stored.slice(prefix.length) : undefined,
    );
    const { 'blocks.0.weight': weight, 'blocks.0.bias': bias } = expectedTensors(name);
    expect(weight && bias).toBeDefined();
    await expectTensors({
      source,
      expected: { weight, bias } as ReturnType<typeof expectedTensors>,
    });
  });

  it('renames by table, keeping other names; names may swap', async () => {
    const table = new Map([
      ['scale', 'none'],
      ['none', 'scale'],
    ]);
    const { scale, none, ...others } = expectedTensors(name);
    const expected = { ...others, scale: none, none: scale } as ReturnType<typeof expectedTensors>;
    await expectTensors({ source: mapNames(await open(), table), expected });
  });

  it('refuses a clash, naming all three', async () => {
    const source = await open();
    expect(() => mapNames(source, new Map([['scale', 'none']]))).toThrow(CheckpointError);
    expect(() => mapNames(source, new Map([['scale', 'none']]))).toThrow(
      /\(none\): both "(none" and "scale|scale" and "none)" would get this name/,
    );
    await source.close();
  });

  it('refuses a table for another model, and says what is near', async () => {
    const source = await open();
    const table = new Map([['blocks.0.wait', 'w']]);
    expect(() => mapNames(source, table)).toThrow(/\(blocks\.0\.wait\).*blocks\.0\.weight/);
    await source.close();
  });

  it('knows tensors by their new names only, and closes what it wraps', async () => {
    const stored = await open();
    const source = mapNames(stored, (old) => `model.${old}`);
    expect(() => source.info('scale')).toThrow(/model\.scale/);
    await source.close();
    await expect(stored.read('scale')).rejects.toThrow(/after dispose/);
  });
});
