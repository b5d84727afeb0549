import { InvalidArgumentError } from '@harmonica/core';
import { describe, expect, it } from 'vitest';
import { labelOf } from './load-emoji-dit.js';

const classes = ['animal-bird', 'flag', 'food-fruit', 'food-sweet', 'place-building'];

describe('labelOf', () => {
  it('gives the place of a class', () => {
    expect(classes.map((name) => labelOf({ name, classes }))).toEqual([0, 1, 2, 3, 4]);
  });

  it.each([
    ['fruit', 'food-fruit'],
    ['Food-Sweets', 'food-sweet'],
    ['bird', 'animal-bird'],
  ])('suggests the most similar class for %s first', (name, similar) => {
    expect(() => labelOf({ name, classes })).toThrow(InvalidArgumentError);
    expect(() => labelOf({ name, classes })).toThrow(`Similar: ${similar}`);
  });

  it('lists all classes if none is similar', () => {
    expect(() => labelOf({ name: 'xyz', classes })).toThrow(classes.join(', '));
  });
});
