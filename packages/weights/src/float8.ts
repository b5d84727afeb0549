/*
 * The two 8-bit floats of safetensors (Micikevicius et al., FP8 formats for deep learning, 2022, Table 1). Every code is a
 * float32, so 256 entries say it all.
 */

/** How an 8-bit code splits into sign, exponent and mantissa. */
interface Float8Format {
  readonly mantissaBits: number;
  readonly bias: number;
  /** The value of a code, without its sign, that is not a finite number; undefined for all others. */
  special(magnitude: number): number | undefined;
}

/** 4 exponent bits, no infinity, one NaN per sign; up to 448. PyTorch calls it `float8_e4m3fn`. */
const e4m3: Float8Format = {
  mantissaBits: 3,
  bias: 7,
  special: (magnitude) => (magnitude === 0x7f ? Number.NaN : undefined),
};

/** 5 exponent bits, with infinities and NaN as in IEEE 754; up to 57344. It is the upper half of a binary16. */
const e5m2: Float8Format = {
  mantissaBits: 2,
  bias: 15,
  special: (magnitude) =>
    magnitude < 0x7c ? undefined : magnitude === 0x7c ? Infinity : Number.NaN,
};

let e4m3Values: Float32Array | undefined;
let e5m2Values: Float32Array | undefined;

/**
 * Widens E4M3 codes to float32, exactly.
 *
 * @param codes one byte per value
 * @returns as many values, in memory of their own
 */
export function e4m3ToFloat(codes: Uint8Array): Float32Array<ArrayBuffer> {
  e4m3Values ??= valuesOf(e4m3);
  return lookUp(e4m3Values, codes);
}

/**
 * Widens E5M2 codes to float32, exactly.
 *
 * @param codes one byte per value
 * @returns as many values, in memory of their own
 */
export function e5m2ToFloat(codes: Uint8Array): Float32Array<ArrayBuffer> {
  e5m2Values ??= valuesOf(e5m2);
  return lookUp(e5m2Values, codes);
}

function lookUp(table: Float32Array, codes: Uint8Array): Float32Array<ArrayBuffer> {
  const values = new Float32Array(codes.length);
  for (let i = 0; i < values.length; i++) values[i] = table[codes[i] as number] as number;
  return values;
}

/** The value of each of the 256 codes. */
function valuesOf(format: Float8Format): Float32Array {
  return Float32Array.from({ length: 256 }, (_, code) => {
    const magnitude = code & 0x7f;
    const value = format.special(magnitude) ?? finiteValue(magnitude, format);
    return code < 0x80 ? value : -value;
  });
}

function finiteValue(magnitude: number, { mantissaBits, bias }: Float8Format): number {
  const exponent = magnitude >>> mantissaBits;
  const fraction = (magnitude & (2 ** mantissaBits - 1)) / 2 ** mantissaBits;
  if (exponent === 0) return fraction * 2 ** (1 - bias);
  return (1 + fraction) * 2 ** (exponent - bias);
}
