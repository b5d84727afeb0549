import { runOrThrow } from './command.mjs';

/** Copies the last commit of a checkout; what is not committed stays behind. */
export async function copyCheckout({ checkout, copy, env }) {
  await runOrThrow({ command: ['git', 'clone', '--quiet', checkout, copy], cwd: checkout, env });
  await runOrThrow({ command: ['pnpm', 'install', '--frozen-lockfile'], cwd: copy, env });
}

/** Makes the versions and publishes them, with the commands of the release workflow. */
export async function publishCheckout({ copy, env }) {
  await runOrThrow({ command: ['pnpm', 'run', 'version-packages'], cwd: copy, env });
  // Publishing sets tags, for which git asks who does.
  const who = { NAME: 'try-release', EMAIL: 'try-release@localhost' };
  const identity = Object.entries(who).flatMap(([key, value]) => [
    [`GIT_AUTHOR_${key}`, value],
    [`GIT_COMMITTER_${key}`, value],
  ]);
  const signed = { ...env, ...Object.fromEntries(identity) };
  await runOrThrow({ command: ['pnpm', 'run', 'release'], cwd: copy, env: signed });
}

/** Whether a checkout has changes that are not committed. */
export async function isDirty({ checkout, env }) {
  const status = ['git', 'status', '--porcelain'];
  return (await runOrThrow({ command: status, cwd: checkout, env })).stdout !== '';
}
