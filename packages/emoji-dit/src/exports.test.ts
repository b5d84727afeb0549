import { expect, it } from 'vitest';
import * as emojiDit from './index.js';

it('exports what its README lists', () => {
  expect(Object.keys(emojiDit).sort()).toEqual([
    'emojiDitConfig',
    'emojiDitRouter',
    'findRouter',
    'listRouters',
    'loadEmojiDit',
  ]);
});
