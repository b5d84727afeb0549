const cpu = () => { const u = process.cpuUsage(); return (u.user + u.system) / 1000; };
import { randomAutoencoderKl, autoencoderKlConfig } from '@harmonica/backbones';
import { setBackend, randomNormal, type Tensor4D } from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { compileFunction } from '../src/compile-function.js';
await setBackend('cpu');
const config = autoencoderKlConfig({ blockOutChannels: [32, 64, 128, 128], layersPerBlock: 1 } as any);
const vae = randomAutoencoderKl({ config, seed: 1 });
const z = randomNormal([4, 16, 16, config.latentChannels]) as Tensor4D;
process.env.NOGN = ''; const a = compileFunction((x: Tensor4D) => vae.decode(x), { threads: 1 }); const ya = await a(z);
process.env.NOGN = '1'; const b = compileFunction((x: Tensor4D) => vae.decode(x), { threads: 1 }); const yb = await b(z);
let e = 0; const bv = yb.dataSync(); ya.dataSync().forEach((v, i) => { e = Math.max(e, Math.abs(v - bv[i]!)); }); console.log('diff', e);
for (let i = 0; i < 6; i++) { let t = cpu(); await a(z); const ta = cpu() - t; t = cpu(); await b(z); console.log('fused', ta.toFixed(1), 'plain', (cpu() - t).toFixed(1)); }
process.exit(0);
