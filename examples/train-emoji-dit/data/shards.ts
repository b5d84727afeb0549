/** How many shards `prepare-data` writes. */
export const SHARDS = 2;
