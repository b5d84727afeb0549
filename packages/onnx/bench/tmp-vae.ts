import { autoencoderKlConfig, randomAutoencoderKl } from '@harmonica/backbones';
import { randomNormal, setBackend, type Tensor4D } from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { createRequire } from 'node:module';
import path from 'node:path';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { compileFunction } from '../src/compile-function.js';

setWasmPaths(
  path.dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm')) + '/',
);
await setBackend('cpu');
const config = autoencoderKlConfig({
  blockOutChannels: [32, 64, 128, 128],
  layersPerBlock: 1,
} as any);
console.log(config);
const vae = randomAutoencoderKl({ config, seed: 1 });
const z = randomNormal([4, 16, 16, config.latentChannels]) as Tensor4D;
const decode = compileFunction((x: Tensor4D) => vae.decode(x), { threads: 2 });
let t = performance.now();
let y = await decode(z);
console.log('first', performance.now() - t);
for (let i = 0; i < 4; i++) {
  t = performance.now();
  y = await decode(z);
  console.log('onnx', (performance.now() - t).toFixed(1));
}
const zv = await z.data(),
  yv = await y.data();
await setBackend('wasm');
const vw = randomAutoencoderKl({ config, seed: 1 });
const zw = (await import('@tensorflow/tfjs-core')).tensor(zv, z.shape) as Tensor4D;
t = performance.now();
const r = vw.decode(zw);
const rv = await r.data();
console.log('wasm', performance.now() - t);
let e = 0,
  m = 0;
rv.forEach((v, i) => {
  e = Math.max(e, Math.abs(v - yv[i]!));
  m = Math.max(m, Math.abs(v));
});
console.log('err', e / m, y.shape);
process.exit(0);
