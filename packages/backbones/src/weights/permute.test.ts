import fc from 'fast-check';
import { expect, it } from 'vitest';
import { permute } from './parameter.js';

it('transposes a matrix', () => {
  const values = Float32Array.of(1, 2, 3, 4, 5, 6);
  expect([...permute({ values, shape: [2, 3], order: [1, 0] })]).toEqual([1, 4, 2, 5, 3, 6]);
});

it('moves every element of any array to the permuted place', () => {
  const shapes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 });
  const cases = shapes.chain((shape) =>
    fc.record({
      shape: fc.constant(shape),
      order: fc.shuffledSubarray([...shape.keys()], { minLength: shape.length }),
    }),
  );
  fc.assert(
    fc.property(cases, ({ shape, order }) => {
      const size = shape.reduce((a, b) => a * b);
      const values = Float32Array.from({ length: size }, (_, i) => i);
      const moved = permute({ values, shape, order });
      const sizes = order.map((axis) => shape[axis] as number);
      moved.forEach((value, position) => {
        const target = indexOf(position, sizes);
        const source = indexOf(value, shape);
        expect(target).toEqual(order.map((axis) => source[axis]));
      });
    }),
  );
});

function indexOf(position: number, shape: readonly number[]): number[] {
  return shape.map((size, axis) => {
    const stride = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
    return Math.floor(position / stride) % size;
  });
}
