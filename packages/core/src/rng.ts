import { assertArgument } from './checks.js';

/** Where a generator stands. Plain JSON; `restoreRng` continues from it. */
export interface RngState {
  readonly seed: number;
  readonly stream: number;
  /** Blocks drawn so far. */
  readonly block: number;
}

/**
 * A seeded generator of random numbers, the same on every machine and engine. Draw number n of stream s is the Philox
 * block with counter (n, s) and key `seed`, so a state is three integers and streams never overlap.
 */
export interface Rng {
  /** Uniform in [0, 1), 53 bits. Draws one block. */
  uniform(): number;
  /** Uniform integer in [0, bound), `bound` in [1, 2^32]. Draws one block (more only on rejection). */
  integer(bound: number): number;
  /**
   * Fills with standard normal numbers, rounded to float32. Draws one block for each pair of numbers: with
   * u1, u2 uniform in (0, 1] and [0, 1), the pair is sqrt(-2 ln u1) * (cos 2 pi u2, sin 2 pi u2) (Box and Muller, 1958).
   */
  fillNormal(target: Float32Array): Float32Array;
  /** Where the generator is, for a resume that goes on bit by bit. */
  state(): RngState;
}

/** Options of {@link createRng}. */
export interface RngOptions {
  /** Integer in [0, 2^53). */
  readonly seed: number;
  /** Integer in [0, 2^53); streams of one seed are independent. Default 0. */
  readonly stream?: number;
}

/** A generator at the start of its stream. @throws {@link InvalidArgumentError} */
export function createRng({ seed, stream = 0 }: RngOptions): Rng {
  return restoreRng({ seed, stream, block: 0 });
}

/** A generator that continues where `state` was taken. @throws {@link InvalidArgumentError} */
export function restoreRng({ seed, stream, block }: RngState): Rng {
  const key = split('seed', seed);
  const streamWords = split('stream', stream);
  split('block', block);
  let next = block;

  const draw = (): Words4 => {
    const [low, high] = split('block', next);
    next += 1;
    return philox4x32([low, high, streamWords[0], streamWords[1]], key);
  };

  return {
    uniform() {
      const [a, b] = draw();
      return toUniform(a, b);
    },
    integer(bound) {
      assertArgument(
        { bound },
        'an integer in [1, 2^32]',
        Number.isInteger(bound) && bound >= 1 && bound <= 2 ** 32,
      );
      const limit = 2 ** 32 - (2 ** 32 % bound);
      for (;;) {
        const word = draw()[0];
        if (word < limit) return word % bound;
      }
    },
    fillNormal(target) {
      for (let i = 0; i < target.length; i += 2) {
        const [a, b, c, d] = draw();
        const radius = Math.sqrt(-2 * Math.log(1 - toUniform(a, b)));
        const angle = 2 * Math.PI * toUniform(c, d);
        target[i] = radius * Math.cos(angle);
        if (i + 1 < target.length) target[i + 1] = radius * Math.sin(angle);
      }
      return target;
    },
    state: () => ({ seed, stream, block: next }),
  };
}

/** 53 random bits as a number in [0, 1). */
function toUniform(high: number, low: number): number {
  return ((high >>> 5) * 2 ** 26 + (low >>> 6)) / 2 ** 53;
}

function split(argument: string, value: number): [number, number] {
  assertArgument(
    { [argument]: value },
    'an integer in [0, 2^53)',
    Number.isSafeInteger(value) && value >= 0,
  );
  return [value >>> 0, Math.floor(value / 2 ** 32)];
}

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;
const ROUNDS = 10;

/** Four 32-bit words. */
type Words4 = readonly [number, number, number, number];

/**
 * The Philox4x32-10 block function: a keyed bijection of a 128-bit counter whose outputs pass for random.
 * Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (2011), section 3.3.
 *
 * @param counter four unsigned 32-bit words
 * @param key two unsigned 32-bit words
 * @returns four unsigned 32-bit words
 */
export function philox4x32(counter: Words4, key: readonly [number, number]): Words4 {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, c0);
    const low0 = Math.imul(MULTIPLIER_0, c0) >>> 0;
    const high1 = multiplyHigh(MULTIPLIER_1, c2);
    const low1 = Math.imul(MULTIPLIER_1, c2) >>> 0;
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c1 = low1;
    c3 = low0;
    k0 = (k0 + WEYL_0) >>> 0;
    k1 = (k1 + WEYL_1) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** The upper 32 bits of the 64-bit product of two unsigned 32-bit words. */
function multiplyHigh(a: number, b: number): number {
  const aHigh = a >>> 16;
  const aLow = a & 0xffff;
  const bHigh = b >>> 16;
  const bLow = b & 0xffff;
  const middle = aHigh * bLow + Math.floor((aLow * bLow) / 0x10000);
  const carry = (middle % 0x10000) + aLow * bHigh;
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(carry / 0x10000)) >>> 0;
}
