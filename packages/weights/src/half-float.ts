/*
 * IEEE 754 conversions between float32 and the 16-bit formats, on bit patterns rather than numbers, so that signalling
 * NaNs survive. binary16 has 5 exponent and 10 mantissa bits, bfloat16 is the upper half of a float32.
 */

let halfTable: Uint32Array | undefined;

/**
 * Widens binary16 patterns to float32, exactly.
 *
 * @param patterns one 16-bit pattern per value
 * @returns as many values, in memory of their own
 */
export function halfToFloat(patterns: Uint16Array): Float32Array<ArrayBuffer> {
  halfTable ??= createHalfTable();
  const table = halfTable;
  const values = new Float32Array(patterns.length);
  const bits = new Uint32Array(values.buffer);
  for (let i = 0; i < bits.length; i++) bits[i] = table[patterns[i] as number] as number;
  return values;
}

/**
 * Rounds float32 values to binary16: to nearest, ties to even. From 65520 on the result is infinity, below 2^-14 it is
 * subnormal; NaN stays NaN and keeps its sign.
 *
 * @returns one 16-bit pattern per value
 */
export function floatToHalf(values: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = bitsOf(values);
  const patterns = new Uint16Array(values.length);
  for (let i = 0; i < patterns.length; i++) patterns[i] = roundToHalf(bits[i] as number);
  return patterns;
}

/**
 * Widens bfloat16 patterns to float32, exactly.
 *
 * @param patterns one 16-bit pattern per value
 * @returns as many values, in memory of their own
 */
export function bfloatToFloat(patterns: Uint16Array): Float32Array<ArrayBuffer> {
  const values = new Float32Array(patterns.length);
  const bits = new Uint32Array(values.buffer);
  for (let i = 0; i < bits.length; i++) bits[i] = (patterns[i] as number) << 16;
  return values;
}

/**
 * Rounds float32 values to bfloat16: to nearest, ties to even. Values that round past the largest bfloat16 become
 * infinity; NaN stays NaN and keeps its sign.
 *
 * @returns one 16-bit pattern per value
 */
export function floatToBfloat(values: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = bitsOf(values);
  const patterns = new Uint16Array(values.length);
  for (let i = 0; i < patterns.length; i++) patterns[i] = roundToBfloat(bits[i] as number);
  return patterns;
}

function bitsOf(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}

/** float32 bits of every binary16 pattern. */
function createHalfTable(): Uint32Array {
  const table = new Uint32Array(0x10000);
  for (let pattern = 0; pattern < 0x8000; pattern++) {
    const bits = widenHalf(pattern);
    table[pattern] = bits;
    table[pattern | 0x8000] = bits | 0x80000000;
  }
  return table;
}

/** float32 bits of a binary16 pattern without sign. */
function widenHalf(pattern: number): number {
  const exponent = pattern >>> 10;
  const mantissa = pattern & 0x3ff;
  if (exponent === 31) return 0x7f800000 | (mantissa << 13);
  if (exponent > 0) return ((exponent + 112) << 23) | (mantissa << 13);
  if (mantissa === 0) return 0;
  const shift = Math.clz32(mantissa) - 21; // brings the leading one to bit 10, where it is implicit
  return ((113 - shift) << 23) | (((mantissa << shift) & 0x3ff) << 13);
}

function roundToHalf(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7c00 | ((magnitude >>> 13) & 0x3ff || 0x200);
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude < 0x38800000) return sign | roundToSubnormalHalf(magnitude);
  return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
}

/** A magnitude below 2^-14 in units of 2^-24, the step of the binary16 subnormals. */
function roundToSubnormalHalf(magnitude: number): number {
  const shift = 126 - (magnitude >>> 23);
  if (shift > 24) return 0;
  const mantissa = (magnitude & 0x7fffff) | 0x800000;
  return (mantissa + (1 << (shift - 1)) - 1 + ((mantissa >>> shift) & 1)) >>> shift;
}

function roundToBfloat(bits: number): number {
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | (bits & 0x7f0000 ? 0 : 0x40);
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}
