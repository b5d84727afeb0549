import type { TerminalOptions } from '@harmonica/router';
import type { TextOutput } from './cli-context.js';

/** Colours for a terminal that someone watches, shades for files and pipes. */
export function terminalStyle({ isTTY, columns }: TextOutput): TerminalOptions {
  return { color: isTTY ? 'truecolor' : 'none', ...(columns && { columns }) };
}
