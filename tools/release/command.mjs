import { spawn } from 'node:child_process';

/**
 * Runs a command to its end.
 *
 * @param {{ command: string[], cwd: string, env: Record<string, string> }} options
 * @returns {Promise<{ ok: boolean, stdout: string, output: string }>} `output` holds both streams and the command line
 */
export function run({ command: [file, ...args], cwd, env }) {
  return new Promise((resolve) => {
    const shell = process.platform === 'win32';
    const child = spawn(file, args, { cwd, env, shell, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let output = `$ ${[file, ...args].join(' ')}\n`;
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
      output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
    child.on('error', (error) =>
      resolve({ ok: false, stdout, output: `${output}${error.message}\n` }),
    );
    child.on('close', (status) => resolve({ ok: status === 0, stdout, output }));
  });
}

/** The same, for a command without which there is no going on. */
export async function runOrThrow(options) {
  const result = await run(options);
  if (!result.ok) throw new Error(result.output);
  return result;
}
