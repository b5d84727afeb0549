import { cachingMethod } from './method.js';

/** No caching: every branch is computed in every step. */
export const none = /* @__PURE__ */ cachingMethod({
  name: 'none',
  summary: 'everything is computed',
  settings: () => ({}),
  make: () => 'none',
});
