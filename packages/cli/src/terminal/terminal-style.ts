import type { TerminalOptions } from '@harmonica/pictures';
import type { TextOutput } from '../cli-context.js';

/** Colours for a terminal that someone watches, shades for files and pipes. */
export function terminalStyle({ isTTY, columns }: TextOutput): TerminalOptions {
  return { color: isTTY ? 'truecolor' : 'none', ...(columns && { columns }) };
}

/** A duration for people: `4.2 s` below ten seconds, then `42 s`, `3:07`, `1:03:07`. */
export function formatDuration(ms: number): string {
  if (ms < 9950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const two = (value: number) => String(value).padStart(2, '0');
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}:${two(seconds % 60)}`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`;
}
