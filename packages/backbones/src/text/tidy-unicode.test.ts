import { expect, it } from 'vitest';
import { tidyUnicode } from './clean-prompt.js';

it.each([
  ['ligatures', '\ufb01ne \ufb05op \u01c6', 'fine \u017ftop d\u017e'],
  ['widths', '\uff21\u3000\uff01', 'A !'],
  ['quotes', '\u2018a\u2019 \u201cb\u201d', '\'a\' "b"'],
  ['line breaks', 'a\r\nb\rc\u2028d', 'a\nb\nc\nd'],
  ['terminal escapes', '\u001b[36;44mblue\u001b[0m', 'blue'],
  ['control characters', 'a\u0000b\ufeffc\td', 'abc\td'],
  ['accents', 'e\u0301', '\u00e9'],
])('makes %s plain', (_, text, expected) => {
  expect(tidyUnicode(text)).toBe(expected);
});
