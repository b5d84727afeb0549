import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/**
 * Runs a module in a process of its own and gives what it prints.
 *
 * @param code an ES module; imports of this package start with `./src/`
 */
export async function runFresh(code: string): Promise<string> {
  const root = new URL('../', import.meta.url);
  const absolute = code.replaceAll(/(from\s+)'\.\/(.*?)'/g, (_, from: string, path: string) => {
    return `${from}${JSON.stringify(new URL(path, root).href)}`;
  });
  const options = ['--conditions=@harmonica/source', '--import=tsx', '--input-type=module'];
  const { stdout } = await promisify(execFile)(process.execPath, [...options, '--eval', absolute], {
    cwd: fileURLToPath(root),
  });
  return stdout;
}
