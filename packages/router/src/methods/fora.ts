import { fixedIntervalSchedule } from './interval.js';
import { cachingMethod, predicting, runOf, wholeNumber } from './method.js';

/** FORA (Selvaraju et al. 2024): {@link fixedIntervalSchedule} that computes the last step. */
export const fora = /* @__PURE__ */ cachingMethod({
  name: 'fora',
  summary: 'FORA: every n-th step is computed, counted from the last',
  settings: () => ({ interval: wholeNumber(), ...predicting() }),
  firstSetting: 'interval',
  make: (settings, context) => fixedIntervalSchedule({ ...settings, ...runOf(context) }),
});
