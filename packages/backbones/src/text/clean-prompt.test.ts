import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { cleanPrompt } from './clean-prompt.js';

const FIXTURE = new URL('../__fixtures__/clean-prompts.json', import.meta.url);
const CLEANED: [string, string][] = JSON.parse(readFileSync(FIXTURE, 'utf8')).cleaned;

describe('cleanPrompt', () => {
  it.each(CLEANED)("does what diffusers' PixArt pipeline does: %j", (prompt, expected) => {
    expect(cleanPrompt(prompt)).toBe(expected);
  });

  it('takes malformed encodings as they are, byte by byte', () => {
    expect(cleanPrompt('100% sure')).toBe('100% sure');
    expect(cleanPrompt('caf%c3%a9')).toBe('café');
    expect(cleanPrompt('bad%ff byte')).toBe('bad\ufffd byte');
  });
});
