import '@tensorflow/tfjs-backend-cpu';
import { InvalidArgumentError } from '@harmonica/core';
import { dispose } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { classLabels } from './stream.js';

const config = { name: 'emoji-dit', numClasses: 90 };

it('makes int32 labels, the null class included', () => {
  const condition = classLabels({ config, labels: [0, 89, 90] });
  expect(condition.labels?.dtype).toBe('int32');
  expect([...(condition.labels?.dataSync() ?? [])]).toEqual([0, 89, 90]);
  dispose(Object.values(condition));
});

it.each([91, -1, 0.5, Number.NaN])(
  'refuses label %s, saying where it is and what would do',
  (label) => {
    const make = () => classLabels({ config, labels: [3, label] });
    expect(make).toThrowError(InvalidArgumentError);
    expect(make).toThrowError(/labels\[1\].*\[0, 89\], or 90 for the null class/);
  },
);
