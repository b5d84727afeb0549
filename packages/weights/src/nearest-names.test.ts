import { describe, expect, it } from 'vitest';
import { nearestNames } from './weight-source.js';

describe('nearestNames', () => {
  const names = ['blocks.0.attn.qkv.weight', 'blocks.1.attn.qkv.weight', 'x_embedder.bias', ''];

  it('puts the names that share most pairs of letters first', () => {
    expect(nearestNames({ name: 'blocks.1.attn.qkv', names, limit: 2 })).toEqual([
      'blocks.1.attn.qkv.weight',
      'blocks.0.attn.qkv.weight',
    ]);
    expect(nearestNames({ name: 'embedder.bias', names, limit: 1 })).toEqual(['x_embedder.bias']);
  });

  it('is quick on names that are long or many', () => {
    const many = ['a'.repeat(1e6), ...Array.from({ length: 1e5 }, (_, i) => `name ${i}`)];
    expect(nearestNames({ name: 'name 7', names: many, limit: 1 })).toEqual(['name 7']);
  });

  it('gives three by default, fewer if there are no more', () => {
    expect(nearestNames({ name: 'x', names })).toHaveLength(3);
    expect(nearestNames({ name: 'x', names: ['y'] })).toEqual(['y']);
  });

  it('finds wholes by their parts, whatever their case, and nothing where nothing is alike', () => {
    const classes = ['animal-bird', 'sky', 'food-fruit'];
    expect(nearestNames({ name: 'Fruit', names: classes, limit: 1 })).toEqual(['food-fruit']);
    expect(nearestNames({ name: 'Fruit', names: classes, alike: true })).toEqual(['food-fruit']);
    expect(nearestNames({ name: 'xyz', names: classes, alike: true })).toEqual([]);
  });
});
