import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/**
 * Runs a module in a process of its own and gives what it prints.
 *
 * @param code an ES module
 * @param root folder of the package whose dependencies it may import
 */
export async function runFresh(code: string, root: URL): Promise<string> {
  const options = ['--conditions=@harmonica/source', '--import=tsx', '--input-type=module'];
  const { stdout } = await promisify(execFile)(process.execPath, [...options, '--eval', code], {
    cwd: fileURLToPath(root),
  });
  return stdout;
}
