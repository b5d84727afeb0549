import { expect, it } from 'vitest';
import * as cli from './index.js';

it('exports what its README lists', () => {
  expect(Object.keys(cli).sort()).toEqual(['EXIT_ABORTED', 'runCli']);
});
