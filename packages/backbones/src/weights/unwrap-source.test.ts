import '@tensorflow/tfjs-backend-cpu';
import { CheckpointError } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { readFixture, type StoredArrays, sourceOf } from '../../test/fixture.js';
import { ditConfig } from '../dit/dit.js';
import { DIT, ditParameters, loadDit } from '../dit/dit-family.js';

const CONFIG = ditConfig('DiT-S/2', {
  depth: 2,
  hiddenSize: 24,
  heads: 2,
  inputSize: 8,
  numClasses: 5,
});
const ARRAYS = readFixture('sit');

/** The checkpoint with other names; `nameOf` may give several for one tensor. */
function named(nameOf: (name: string) => readonly string[]): StoredArrays {
  return new Map(
    [...ARRAYS].flatMap(([name, array]) => nameOf(name).map((other) => [other, array] as const)),
  );
}

const unwrapped = (arrays: StoredArrays) => DIT.unwrapped(CONFIG, sourceOf(arrays));
const inOptimizer = (name: string) => [`opt.state.${name}.exp_avg`, `opt.state.${name}.step`];

describe('unwrapSource', () => {
  it.each<[string, (name: string) => readonly string[]]>([
    ['a module of DataParallel', (name) => [`module.${name}`]],
    ['a compiled module', (name) => [`_orig_mod.${name}`]],
    ['both', (name) => [`module._orig_mod.${name}`]],
    ['fully sharded blocks', (name) => [name.replace(/^(blocks\.\d)/, '$1._fsdp_wrapped_module')]],
    ['checkpointed blocks', (name) => [name.replace('.attn', '.attn._checkpoint_wrapped_module')]],
    ['a part beside others', (name) => [`state_dict.model.${name}`, ...inOptimizer(name)]],
  ])('gives the names of %s back', async (_kind, nameOf) => {
    const source = unwrapped(named(nameOf));
    expect(source.names).toEqual([...ARRAYS.keys()]);
    for (const [name, { shape, data }] of ARRAYS) {
      expect(source.info(name).shape).toEqual(shape);
      expect(await source.read(name)).toEqual(data);
    }
  });

  it('leaves a checkpoint of plain names as it is, with what is too much in it', () => {
    const source = sourceOf(named((name) => [name, `ema.${name}`]));
    expect(DIT.unwrapped(CONFIG, source)).toBe(source);
  });

  it('is a part of loading', async () => {
    const source = sourceOf(named((name) => [`module.${name}`]));
    const backbone = await loadDit({ config: { ...CONFIG, name: 'DiT' }, source });
    expect(backbone.spec.name).toBe('DiT');
    backbone.dispose();
  });

  it('names the parts of a checkpoint that has the model several times', () => {
    const count = ARRAYS.size;
    const arrays = named((name) => [`model.${name}`, `ema.module.${name}`, ...inOptimizer(name)]);
    expect(() => unwrapped(arrays)).toThrow(CheckpointError);
    expect(() => unwrapped(arrays)).toThrow(
      `fixture: the weights of DiT-S/2 are there 2 times: model (${count} tensors), ` +
        `ema.module (${count} tensors). Select one part when the file is opened, such as model`,
    );
  });

  it('takes a part that lacks a few tensors for the model too', () => {
    const [first] = ditParameters(CONFIG);
    const arrays = named((name) =>
      name === first?.name ? [`ema.${name}`] : [`model.${name}`, `ema.${name}`],
    );
    expect(() => unwrapped(arrays)).toThrow(/there 2 times/);
  });

  it('says what a checkpoint of another model has', () => {
    const arrays = named((name) => [`unet.${name}.lora`, 'epoch']);
    expect(() => unwrapped(arrays)).toThrow(CheckpointError);
    expect(() => unwrapped(arrays)).toThrow(
      `none of its ${ARRAYS.size + 1} tensors has a name of DiT-S/2. ` +
        `What their names begin with: unet (${ARRAYS.size}), epoch (1). Check that`,
    );
  });

  it('refuses two names of one tensor', () => {
    const arrays = named((name) => [name, `_orig_mod.${name}`]);
    expect(() => unwrapped(arrays)).toThrow(/: (\S+) and _orig_mod\.\1 are one tensor's names/);
  });
});
