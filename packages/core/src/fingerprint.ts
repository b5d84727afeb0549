import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import type { SamplerPlan } from './sampler-plan.js';

/** SHA-256 of a JSON value with its object keys sorted, in hex: equal values have equal fingerprints. */
export function fingerprint(value: unknown): string {
  return bytesToHex(sha256(utf8ToBytes(canonicalJson(value))));
}

/** Identifies what a plan computes: its steps, initial scale and prediction, not what they came from. */
export function planFingerprint({ prediction, initialStd, steps }: SamplerPlan): string {
  return fingerprint({ prediction, initialStd, steps });
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );
}
