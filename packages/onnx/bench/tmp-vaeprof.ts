import { autoencoderKlConfig, randomAutoencoderKl } from '@harmonica/backbones';
import { randomNormal, setBackend, type Tensor4D } from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { compileFunction } from '../src/compile-function.js';

await setBackend('cpu');
const config = autoencoderKlConfig({
  blockOutChannels: [32, 64, 128, 128],
  layersPerBlock: 1,
} as any);
const vae = randomAutoencoderKl({ config, seed: 1 });
const z = randomNormal([4, 16, 16, config.latentChannels]) as Tensor4D;
const decode = compileFunction((x: Tensor4D) => vae.decode(x), { threads: 2 });
for (let i = 0; i < 6; i++) {
  const t = performance.now();
  await decode(z);
  console.log((performance.now() - t).toFixed(1));
}
await decode.dispose();
