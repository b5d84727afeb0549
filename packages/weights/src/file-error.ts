import { FileError } from '@harmonica/core';

const fixes: Readonly<Record<string, string>> = {
  ENOENT: 'Check the path.',
  EISDIR: 'Give the path of a file.',
  EACCES: 'Check the permissions, or use another folder.',
  EPERM: 'Check the permissions, or use another folder.',
  EROFS: 'Use a folder on another disk.',
  ENOSPC: 'Free some space, or use another disk.',
};

/** Turns what Node says about a file into a {@link FileError}. Any other error stays as it is. */
export function fileError(options: {
  path: string;
  action: 'read' | 'written';
  cause: unknown;
}): unknown {
  const { path, action, cause } = options;
  if (!isSystemError(cause)) return cause;
  const [reason] = cause.message.split(', ');
  const fix = fixes[cause.code];
  const problem = `cannot be ${action} (${reason})`;
  return new FileError({ path, problem, ...(fix ? { fix } : {}), cause });
}

function isSystemError(error: unknown): error is Error & { code: string } {
  return error instanceof Error && 'syscall' in error && 'code' in error;
}
