import { ConfigError, parseCacheSchedule, parseRouterFile } from '@harmonica/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { router } from '../__fixtures__/provenance.js';
import { randomSchedules } from '../__fixtures__/random-schedules.js';
import { formatRouter, formatSchedule, parseCacheDocument } from './readable-json.js';
import { toSchedule } from './schedule.js';

const training = { beta: 1e-7, lambda: [0.1, 0.25], loss: [{ at: 1, value: 2 }], note: undefined };
const trained = { ...router, provenance: { ...router.provenance, training } };

describe('formatRouter', () => {
  it('writes a line for each step, in one order of keys', () => {
    const [a, b] = ['a'.repeat(64), 'b'.repeat(64)];
    expect(formatRouter(trained)).toBe(`{
  "version": 1,
  "kind": "router",
  "steps": 3,
  "branches": 4,
  "predictor": "linear",
  "threshold": 0.1,
  "logits": [
    [ 5.000000,  5.000000,  5.000000, -5.000000],
    [-3.000000,  0.250000, -2.100000, -2.300000],
    [ 1.000000, -5.000000,  2.000000, -1.000000]
  ],
  "provenance": {
    "model": {
      "name": "fake",
      "sha256": "${a}"
    },
    "sampler": {
      "name": "ddim",
      "steps": 3,
      "planSha256": "${b}"
    },
    "guidance": {
      "scale": 1.5,
      "channels": 3
    },
    "latent": {
      "height": 4,
      "width": 4,
      "channels": 4
    },
    "training": {
      "beta": 1e-7,
      "lambda": [0.1, 0.25],
      "loss": [
        {
          "at": 1,
          "value": 2
        }
      ]
    }
  }
}
`);
  });

  it('does not depend on the order of keys in the input', () => {
    const shuffled = Object.fromEntries(Object.entries(trained).reverse()) as typeof trained;
    expect(formatRouter(shuffled)).toBe(formatRouter(trained));
  });

  it('keeps logits to half of the last decimal, and is stable after one round', () => {
    const logits = fc.array(fc.double({ min: -5, max: 5, noNaN: true }), {
      minLength: 4,
      maxLength: 4,
    });
    fc.assert(
      fc.property(logits, (row) => {
        const text = formatRouter({ ...router, steps: 1, logits: [row] });
        const parsed = parseRouterFile(text);
        parsed.logits[0]?.forEach((logit, i) => {
          expect(Math.abs(logit - (row[i] as number))).toBeLessThanOrEqual(0.5000001e-6);
        });
        expect(formatRouter(parsed)).toBe(text);
        expect(text).not.toContain('-0.000000');
      }),
    );
  });
});

describe('formatSchedule', () => {
  it('is read back as it was written', () => {
    fc.assert(
      fc.property(randomSchedules(), (schedule) => {
        expect(parseCacheSchedule(formatSchedule(schedule))).toEqual(schedule);
      }),
    );
    expect(parseCacheSchedule(formatSchedule(toSchedule(router)))).toEqual(toSchedule(router));
  });

  it('writes a line for each step', () => {
    expect(formatSchedule(toSchedule(router))).toContain(`
  "table": [
    "1111",
    "0110",
    "1011"
  ],
`);
  });
});

describe('parseCacheDocument', () => {
  it('tells routers and schedules apart', () => {
    expect(parseCacheDocument(formatRouter(router))).toEqual(router);
    expect(parseCacheDocument(formatSchedule(toSchedule(router)))).toEqual(toSchedule(router));
  });

  it.each(['not json', '{}', '{"kind":"plan"}', '{"kind":"router"}', '[]'])(
    'refuses %s',
    (text) => {
      expect(() => parseCacheDocument(text, 'router.json')).toThrow(ConfigError);
      expect(() => parseCacheDocument(text, 'router.json')).toThrow('router.json is not valid');
    },
  );
});
