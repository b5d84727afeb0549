import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { runCommand } from '../test/run-command.js';

describe('runCli', () => {
  it('prints its version and its help', async () => {
    expect(await runCommand(['--version'])).toMatchObject({
      status: 0,
      stdout: `${createRequire(import.meta.url)('../package.json').version}\n`,
    });
    const help = await runCommand(['--help']);
    expect(help.status).toBe(0);
    for (const name of [
      'sample',
      'train',
      'inspect',
      'import',
      'export',
      'plan',
      'bench',
      'demo',
    ]) {
      expect(help.stdout).toContain(`\n  ${name} `);
    }
  });

  it.each([
    [['smaple'], /error: unknown command 'smaple'/],
    [['plan', '--eta', 'much'], /error: option '--eta <x>' argument 'much' is invalid/],
    [['--backend', 'metal', 'plan'], /Expected one of auto, onnx/],
    [['plan', '--steps', '2000'], /error: .*2000/],
    [['sample', '--model', '/nowhere'], /error: \/nowhere: there is no such file or folder/],
    [
      ['sample', '--model', 'package.json'],
      /--architecture is undefined.*Name it, such as DiT-XL\/2/,
    ],
    [
      ['sample', '--dit', 'DiT-M/2'],
      /--architecture is "DiT-M\/2"; expected a published model.* DiT-S\/8, /,
    ],
    [['inspect', 'nowhere.json'], /error: nowhere\.json: is neither a file/],
  ])('says in one line what is wrong with %o', async (argv, message) => {
    const { status, stdout, stderr } = await runCommand([...argv, '--backend', 'cpu']);
    expect(status).toBe(1);
    expect(stdout).toBe('');
    const lines = stderr.split('\n').filter((line) => line.startsWith('error: '));
    expect(lines).toHaveLength(1);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/\n {4}at /);
  });

  it('shows with --debug where an error comes from', async () => {
    const { status, stderr } = await runCommand(['inspect', 'nowhere.json', '--debug']);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^error: nowhere\.json.*\ncode: file\nFileError.*\n {4}at /);
    expect(stderr).toMatch(/caused by Error: ENOENT/);
  });

  it('lets no name command the terminal, and cuts long ones', async () => {
    const { status, stderr } = await runCommand(['inspect', `\u001b[2J\u0007${'x'.repeat(5000)}`]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^error: \uFFFD\[2J\uFFFDxxx/);
    expect(stderr.length).toBeLessThan(2100);
  });

  it('ends with 130 if it was stopped', async () => {
    const argv = ['sample', '--backend', 'cpu'];
    const { status, stderr } = await runCommand(argv, { signal: AbortSignal.abort() });
    expect(status).toBe(130);
    expect(stderr).toMatch(/error: Loading emoji-dit was stopped by its caller\.\n$/);
  });
});
