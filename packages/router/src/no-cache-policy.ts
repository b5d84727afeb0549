import type { CachePolicy } from '@harmonica/core';

/** Computes every branch of every step. */
export const noCachePolicy: CachePolicy = { name: 'none', decide: () => 'compute' };
