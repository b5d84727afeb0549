import '@tensorflow/tfjs-backend-cpu';
import { ditConfig } from '@harmonica/backbones';
import { createPlan } from '@harmonica/samplers';
import { describe, expect, it } from 'vitest';
import { architectureOf } from './architecture.js';

const CONFIG = ditConfig('DiT-S/2', { depth: 1, hiddenSize: 24, heads: 2, inputSize: 4 });
const scheduler = {
  source: 'scheduler_config.json',
  config: { _class_name: 'DDIMScheduler', prediction_type: 'v_prediction' },
};

describe('the prediction of an architecture', () => {
  it.each([
    ['the family', {}, 'epsilon'],
    ['the scheduler of its pipeline', { scheduler }, 'velocity'],
    ['an option, whatever the scheduler says', { scheduler, prediction: 'sample' }, 'sample'],
  ] as const)('is that of %s', (_name, facts, expected) => {
    const architecture = architectureOf('dit', CONFIG).sampledBy(facts);
    const backbone = architecture.random(1);
    const plan = createPlan({ steps: 4, process: architecture.process });
    expect([architecture.spec.prediction, backbone.spec.prediction, plan.prediction]).toEqual(
      Array(3).fill(expected),
    );
    backbone.dispose();
  });

  it('stays with other latents', () => {
    const architecture = architectureOf('dit', CONFIG).sampledBy({ scheduler });
    const { spec } = architecture.resized({ height: 8, width: 8, channels: 4 });
    expect([spec.prediction, spec.latent.height]).toEqual(['velocity', 8]);
  });
});
