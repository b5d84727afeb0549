import { expect, it } from 'vitest';
import { arrayOf, readFixture } from '../../test/fixture.js';
import { sinCosPosition } from './patches.js';

it.each([
  { name: 'dit', gridSize: 4, width: 48 },
  { name: 'dit-without-sigma', gridSize: 3, width: 24 },
])('equals the official table of a $gridSize x $gridSize grid to the last bit', (example) => {
  const { name, gridSize, width } = example;
  const { data, shape } = arrayOf(readFixture(name), 'pos_embed');
  expect(shape).toEqual([1, gridSize ** 2, width]);
  expect(sinCosPosition({ gridSize, width })).toEqual(data);
});
