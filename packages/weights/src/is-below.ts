import { isAbsolute, normalize, sep } from 'node:path';

/** Whether a path stays in the folder that it is relative to. */
export function isBelow(file: string): boolean {
  const normal = normalize(file);
  return normal !== '.' && !isAbsolute(normal) && normal.split(sep)[0] !== '..';
}
