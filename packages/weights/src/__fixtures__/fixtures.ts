import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { WeightSource } from '@harmonica/core';
import { expect } from 'vitest';

interface ExpectedTensor {
  readonly shape: readonly number[];
  readonly dtype: string;
  /** Infinity and NaN stand as text. */
  readonly values: readonly (number | string)[];
}

/** Path of a file that scripts/make-fixtures.py wrote. */
export function fixture(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

/** What a fixture holds, by dotted name. */
export function expectedTensors(name: string): Record<string, ExpectedTensor> {
  return JSON.parse(readFileSync(fixture('expected.json'), 'utf8')).files[name];
}

/** Compares every tensor of a source with what the fixture holds, exactly, then closes it. */
export async function expectTensors(options: {
  source: WeightSource;
  expected: Record<string, ExpectedTensor>;
}): Promise<void> {
  const { source, expected } = options;
  expect([...source.names].sort()).toEqual(Object.keys(expected).sort());
  for (const [name, { shape, dtype, values }] of Object.entries(expected)) {
    expect(source.info(name), name).toEqual({ shape, dtype });
    expect(await source.read(name), name).toEqual(Float32Array.from(values, Number));
  }
  await source.close();
}
