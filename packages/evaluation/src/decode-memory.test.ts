import { runFresh } from '@harmonica/testing';
import { expect, it } from 'vitest';

const root = new URL('..', import.meta.url);
const MEBIBYTE = 2 ** 20;
/** Of a tile and of the small image, in latent pixels; the image has eight times as many. */
const TILE = 32;
const LARGE = 4 * TILE;

/** Most memory that a process has had which decodes a latent of `size` by `size`, in tiles of `tileSize`. */
async function peakBytes(size: number, tileSize: number): Promise<number> {
  const printed = await runFresh(
    `
    import { autoencoderKlConfig, randomAutoencoderKl } from '@harmonica/backbones';
    import { peakMemoryBytes } from '@harmonica/evaluation';
    import { createImageDecoder, selectBackend } from '@harmonica/pipeline';
    const backend = await selectBackend({ name: 'onnx' });
    const config = autoencoderKlConfig({ blockOutChannels: [16, 16, 16, 16], normNumGroups: 4 });
    const { decode } = randomAutoencoderKl({ config, seed: 1 });
    const latent = { height: ${size}, width: ${size}, channels: 4 };
    const model = { backbone: { spec: { latent } }, decode, tileSize: ${tileSize} };
    const decoder = createImageDecoder({ model, backend });
    const values = Float32Array.from({ length: ${size * size * 4} }, (_, i) => Math.sin(i));
    const [{ width }] = await decoder.decode([values]);
    if (width !== ${8 * size}) throw new Error('decoded to ' + width);
    console.log(peakMemoryBytes());`,
    root,
  );
  return Number(printed);
}

it('an image of 1024 x 1024 is decoded in tiles in a fraction of the memory', async () => {
  const tile = await peakBytes(TILE, TILE);
  const tiled = (await peakBytes(LARGE, TILE)) - tile;
  const whole = (await peakBytes(LARGE, LARGE)) - tile;
  expect(whole).toBeGreaterThan(800 * MEBIBYTE); // what a middle that attends to all of it needs
  expect(tiled).toBeLessThan(250 * MEBIBYTE);
});
