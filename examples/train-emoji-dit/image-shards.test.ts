import { expect, it } from 'vitest';
import { countBySubgroup, createShardIndex, dealIntoShards, sortSources } from './image-shards.js';

const source = (iconSet: string, name: string, subgroup = 'heart') => ({ iconSet, name, subgroup });

it('orders pictures by icon set and name written together', () => {
  const sources = [source('noto', 'zebra'), source('noto-v1', 'bee'), source('noto', 'ant')];
  const ordered = sortSources(sources).map(({ iconSet, name }) => `${iconSet}/${name}`);
  expect(ordered).toEqual(['noto-v1/bee', 'noto/ant', 'noto/zebra']);
});

it('deals pictures out in turn', () => {
  expect(dealIntoShards(['a', 'b', 'c', 'd', 'e'], 2)).toEqual([
    ['a', 'c', 'e'],
    ['b', 'd'],
  ]);
});

it('places pictures one after another', () => {
  const pictures = [
    { source: source('noto', 'red-heart'), length: 10 },
    { source: source('twemoji', 'zebra', 'animal-mammal'), length: 7 },
  ];
  expect(createShardIndex(pictures, 128)).toEqual({
    version: 1,
    size: 128,
    images: [
      { iconSet: 'noto', name: 'red-heart', subgroup: 'heart', offset: 0, length: 10 },
      { iconSet: 'twemoji', name: 'zebra', subgroup: 'animal-mammal', offset: 10, length: 7 },
    ],
  });
});

it('counts the pictures of each subgroup in alphabetical order', () => {
  const sources = [source('noto', 'a', 'time'), source('noto', 'b'), source('noto', 'c', 'time')];
  expect([...countBySubgroup(sources)]).toEqual([
    ['heart', 1],
    ['time', 2],
  ]);
});
