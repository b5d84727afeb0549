import { readFileSync } from 'node:fs';

/**
 * Most memory that this process has had resident so far, in bytes. On Linux the kernel's high-water mark of this
 * program (`VmHWM`); elsewhere `getrusage`, which on some systems includes the parent before it started this process.
 */
export function peakMemoryBytes(): number {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS * 1024;
  const [, kibibytes] =
    /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return Number(kibibytes) * 1024;
}
