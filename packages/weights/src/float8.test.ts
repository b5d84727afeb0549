import { describe, expect, it } from 'vitest';
import { expectedTensors, expectTensors, fixture } from './__fixtures__/fixtures.js';
import { e4m3ToFloat, e5m2ToFloat, halfToFloat } from './dtypes.js';
import { openSafetensors } from './safetensors/safetensors-file.js';

const allCodes = Uint8Array.from({ length: 256 }, (_, code) => code);
const expected = expectedTensors('float8.safetensors');

describe.each([
  { name: 'f8_e4m3', widen: e4m3ToFloat, largest: 448 },
  { name: 'f8_e5m2', widen: e5m2ToFloat, largest: 57344 },
])('$name', ({ name, widen, largest }) => {
  it('widens all 256 codes to the values that PyTorch gives', () => {
    expect(widen(allCodes)).toEqual(Float32Array.from(expected[name]?.values ?? [], Number));
  });

  it('reaches as far as its definition says', () => {
    expect(Math.max(...widen(allCodes).filter(Number.isFinite))).toBe(largest);
  });
});

it('reads E5M2 as the upper half of a binary16', () => {
  expect(e5m2ToFloat(allCodes)).toEqual(halfToFloat(Uint16Array.from(allCodes, (c) => c << 8)));
});

it('reads both from a file that safetensors wrote', async () => {
  await expectTensors({ source: await openSafetensors(fixture('float8.safetensors')), expected });
});
