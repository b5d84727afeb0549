import { describe, expect, it } from 'vitest';
import { InvalidArgumentError } from './errors.js';
import { createNameTable } from './name-table.js';

const one = { name: 'one', value: 1 };
const two = { name: 'two', value: 2 };
const tableOf = () =>
  createNameTable({ what: 'number', entries: [one, two], reserved: ['any-number'] });

describe('a table of names', () => {
  it('finds what it was made with, in order', () => {
    const table = tableOf();
    expect(table.names()).toEqual(['one', 'two']);
    expect(table.entries()).toEqual([one, two]);
    expect(table.get('two')).toBe(two);
    expect(table.find('three')).toBeUndefined();
    expect(() => table.get('three')).toThrow('number is "three"; expected one of one, two');
  });

  it('takes entries in, and gives them back', () => {
    const table = tableOf();
    const three = { name: 'three-3', value: 3 };
    const remove = table.register(three);
    expect(table.get('three-3')).toBe(three);
    expect(table.names()).toEqual(['one', 'two', 'three-3']);
    remove();
    expect(table.names()).toEqual(['one', 'two']);
    const other = { ...three, value: 33 };
    table.register(other);
    remove();
    expect(table.get('three-3')).toBe(other);
  });

  it.each([
    ['one', /name of a number is "one"; expected a name other than one, two, any-number/],
    ['any-number', /expected a name other than/],
    ['', /expected lower-case letters/],
    ['Three', /expected lower-case letters/],
    ['3', /expected lower-case letters/],
    ['a:b', /expected lower-case letters/],
  ])('refuses the name %o', (name, message) => {
    const table = tableOf();
    expect(() => table.register({ name, value: 3 })).toThrow(InvalidArgumentError);
    expect(() => table.register({ name, value: 3 })).toThrow(message);
    expect(table.names()).toEqual(['one', 'two']);
  });
});
