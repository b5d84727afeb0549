import { ConfigError } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { provenance } from '../__fixtures__/provenance.js';
import type { Calibration } from '../methods/table.js';
import { formatCalibration } from './calibration.js';
import { parseCalibration } from './calibrator.js';

const header = {
  version: 1,
  kind: 'calibration',
  steps: 3,
  branches: 2,
  runs: 4,
  provenance,
} as const;
const rows = [
  [1, 1],
  [0.5, 1.25],
  [0.75, 1],
];
const calibrations: readonly Calibration[] = [
  { ...header, method: 'teacache', coefficients: [1, -2.5, 0.125], rSquared: 0.98, samples: 8 },
  { ...header, method: 'smoothcache', changes: [rows.slice(1), rows.slice(2)] },
  { ...header, method: 'magcache', ratios: [1, 0.75, 0.9], branchRatios: rows },
];

describe('calibrations', () => {
  it.each(calibrations)('of $method are read as they were written', (calibration) => {
    expect(parseCalibration(formatCalibration(calibration))).toEqual(calibration);
  });

  it('are for people: a line a step, what they were made for at the end', () => {
    const text = formatCalibration(calibrations[2] as Calibration);
    expect(text).toMatch(
      /^\{\n {2}"version": 1,\n {2}"kind": "calibration",\n {2}"method": "magcache",\n/,
    );
    expect(text).toContain('\n    [0.5, 1.25],\n');
    expect(text.indexOf('"provenance"')).toBeGreaterThan(text.indexOf('"ratios"'));
  });

  it.each([
    [{ ...calibrations[0], method: 'fora' }, 'method'],
    [{ ...calibrations[0], coefficients: [] }, 'coefficients'],
    [{ ...calibrations[1], changes: [] }, 'changes'],
    [{ ...calibrations[2], ratios: rows }, 'ratios.0'],
    [{ ...calibrations[2], provenance: undefined }, 'provenance'],
  ])('that are damaged are refused by the faulty place', (document, path) => {
    const parse = () => parseCalibration(JSON.stringify(document), 'mine.json');
    expect(parse).toThrow(ConfigError);
    expect(parse).toThrow(new RegExp(`^mine.json is not valid: ${path}:`));
  });
});
