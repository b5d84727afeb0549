// A module that gives the command a caching method and a predictor of its own, as a program would write it.
import {
  createSchedule,
  predicting,
  registerCachingMethod,
  registerPredictor,
} from '@harmonica/router';
import { z } from 'zod';

registerCachingMethod({
  name: 'mine',
  summary: 'every n-th step is computed, and the attention of all steps',
  settings: () => ({ interval: z.int(), ...predicting() }),
  firstSetting: 'interval',
  make: ({ interval, predictor }, { spec, plan }) =>
    createSchedule({
      decisions: plan.steps.map((_, step) =>
        spec.branches.map(({ kind }) => step % interval === 0 || kind === 'attention'),
      ),
      predictor,
    }),
});

registerPredictor({ name: 'fading', depth: 1, coefficients: () => [0.9] });
