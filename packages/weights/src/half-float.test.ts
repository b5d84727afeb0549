import { describe, expect, it } from 'vitest';
import { bfloatToFloat, floatToBfloat, floatToHalf, halfToFloat } from './dtypes.js';

/** A binary format by its definition: IEEE 754-2019, 3.4. */
interface Format {
  readonly exponentBits: number;
  readonly mantissaBits: number;
}

const half: Format = { exponentBits: 5, mantissaBits: 10 };
const bfloat: Format = { exponentBits: 8, mantissaBits: 7 };
const allPatterns = Uint16Array.from({ length: 0x10000 }, (_, pattern) => pattern);

function numberOf(pattern: number, { exponentBits, mantissaBits }: Format): number {
  const sign = pattern >>> (exponentBits + mantissaBits) === 1 ? -1 : 1;
  const exponent = (pattern >>> mantissaBits) & (2 ** exponentBits - 1);
  const fraction = (pattern & (2 ** mantissaBits - 1)) / 2 ** mantissaBits;
  const bias = 2 ** (exponentBits - 1) - 1;
  if (exponent === 2 ** exponentBits - 1) return fraction === 0 ? sign * Infinity : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** (1 - bias);
  return sign * (1 + fraction) * 2 ** (exponent - bias);
}

function isNaNPattern(pattern: number, format: Format): boolean {
  return Number.isNaN(numberOf(pattern, format));
}

/** Indices where two arrays differ; quicker than a matcher on 65,536 values. */
function differences(actual: Uint16Array, expected: Uint16Array): number[] {
  const indices = [...actual.keys()].filter((i) => actual[i] !== expected[i]);
  return actual.length === expected.length ? indices : [-1];
}

/** The float32 next to a finite `value`, away from zero (+1) or towards it (-1). */
function neighbour(value: number, direction: 1 | -1): number {
  const floats = Float32Array.of(value);
  const bits = new Uint32Array(floats.buffer);
  bits[0] = (bits[0] as number) + direction;
  return floats[0] as number;
}

describe.each([
  { name: 'binary16', format: half, widen: halfToFloat, round: floatToHalf },
  { name: 'bfloat16', format: bfloat, widen: bfloatToFloat, round: floatToBfloat },
])('$name', ({ format, widen, round }) => {
  const { mantissaBits, exponentBits } = format;
  const infinity = (2 ** exponentBits - 1) * 2 ** mantissaBits;

  it('widens all 65,536 patterns to the value of the definition', () => {
    const values = widen(allPatterns);
    const wrong = allPatterns.filter((p) => !Object.is(values[p], numberOf(p, format)));
    expect([...wrong]).toEqual([]);
  });

  it('gives every pattern back after widening, NaN payloads included', () => {
    expect(differences(round(widen(allPatterns)), allPatterns)).toEqual([]);
  });

  it('rounds the midpoint of every two neighbours to the even one', () => {
    const lower = allPatterns.filter((p) => p < infinity);
    const even = lower.map((p) => (p % 2 === 0 ? p : p + 1));
    const midpoints = Float32Array.from(lower, midpointAfter);
    expect(differences(round(midpoints), even)).toEqual([]);
    const negative = even.map((p) => p | 0x8000);
    expect(differences(round(midpoints.map((v) => -v)), negative)).toEqual([]);
  });

  it('rounds the floats on both sides of every midpoint to the nearer neighbour', () => {
    const lower = allPatterns.filter((p) => p < infinity);
    const below = Float32Array.from(lower, (p) => neighbour(midpointAfter(p), -1));
    const above = Float32Array.from(lower, (p) => neighbour(midpointAfter(p), 1));
    const upper = lower.map((p) => p + 1);
    expect(differences(round(below), lower)).toEqual([]);
    expect(differences(round(above), upper)).toEqual([]);
  });

  it('keeps NaN a NaN with its sign, whatever its payload', () => {
    const bits = Uint32Array.of(0x7f800001, 0x7fc00000, 0xff800001, 0xffffffff);
    const patterns = round(new Float32Array(bits.buffer));
    expect([...patterns].map((p) => isNaNPattern(p, format))).toEqual([true, true, true, true]);
    expect([...patterns].map((p) => p >>> 15)).toEqual([0, 0, 1, 1]);
  });

  it('rounds tiny float32 subnormals to zero and the largest floats to infinity', () => {
    const floats = Float32Array.of(2 ** -149, -(2 ** -149), 3.4028234663852886e38);
    expect([...round(floats)]).toEqual([0, 0x8000, infinity]);
  });

  it('reads views that do not start at their buffer', () => {
    const values = Float32Array.of(9, 1, -2).subarray(1);
    expect([...widen(round(values))]).toEqual([1, -2]);
  });

  /** Between pattern p and p + 1; past the largest finite value it is where rounding to infinity begins. */
  function midpointAfter(p: number): number {
    const next = p + 1 === infinity ? 2 ** (2 ** (exponentBits - 1)) : numberOf(p + 1, format);
    return (numberOf(p, format) + next) / 2;
  }
});
