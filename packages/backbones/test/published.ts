import { readFileSync } from 'node:fs';
import type { BackboneSpec } from '@harmonica/core';
import { expect } from 'vitest';
import type { Parameter } from '../src/weights/parameter.js';

interface Published {
  /** Equal blocks in a row: how many, and the multiply-accumulates of each branch. */
  readonly branches: readonly (readonly [count: number, macs: readonly number[]])[];
  readonly total: number;
  readonly parameters: number;
}

const MANIFEST = new URL('../src/__fixtures__/transformers.json', import.meta.url);
const MACS: Record<string, Published> = JSON.parse(readFileSync(MANIFEST, 'utf8')).macs;

/** What was counted while the reference implementation ran a published size. */
export function published(name: string): Published {
  const found = MACS[name];
  if (!found) throw new Error(`nothing was counted for ${name}`);
  return found;
}

/** Every branch, and the whole, costs what was counted, up to `spared` of the end. */
export function expectCounted({ macs }: BackboneSpec, name: string, spared = 0): void {
  const counted = published(name);
  const blocks = counted.branches.flatMap(([count, each]) => Array<typeof each>(count).fill(each));
  expect(macs.branches).toEqual(blocks.flat());
  expect(macs.branches.reduce((a, b) => a + b, macs.begin + macs.end)).toBe(counted.total - spared);
}

/** How many numbers there are in all. */
export function sizeOf(parameters: readonly Parameter[]): number {
  return parameters.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
}
