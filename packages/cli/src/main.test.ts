import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseTrainingState } from '@harmonica/sdt';
import { temporaryFolder } from '@harmonica/testing';
import { describe, expect, it } from 'vitest';
import { writeTinyModel } from '../../emoji-dit/test/tiny-model.js';

const flags = ['--conditions=@harmonica/source', '--import', import.meta.resolve('tsx')];
const main = fileURLToPath(new URL('./main.ts', import.meta.url));

describe('the program', () => {
  it('stops on Ctrl-C with a state to resume from', async () => {
    const folder = await temporaryFolder();
    const model = await writeTinyModel(join(folder, 'model'));
    const child = spawn(process.execPath, [
      ...[...flags, main, 'train', '--model', model, '--steps', '4', '--batch-size', '1'],
      ...['--iterations', '1000000', '--backend', 'wasm', '--out', join(folder, 'router.json')],
    ]);
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      if (text.includes('update 1/')) child.kill('SIGINT');
    });
    const [status] = await once(child, 'close');
    expect(stderr).toMatch(/Stopping after this step/);
    expect(stderr).toMatch(/error: Training was stopped by its caller\.\n$/);
    expect(status).toBe(130);
    const { iteration } = parseTrainingState(
      await readFile(join(folder, 'router.state.json'), 'utf8'),
    );
    expect(iteration).toBeLessThan(1_000_000);
  });
});
