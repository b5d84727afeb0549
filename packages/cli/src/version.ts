import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** The version of this package. */
export function cliVersion(): string {
  return versionIn(new URL('../package.json', import.meta.url));
}

/** What a result depends on besides its settings. */
export function versionsInUse(): Readonly<Record<string, string>> {
  return {
    harmonica: cliVersion(),
    node: process.versions.node,
    tfjs: versionIn(require.resolve('@tensorflow/tfjs-core/package.json')),
    onnxruntime: versionIn(require.resolve('onnxruntime-node/package.json')),
  };
}

function versionIn(path: string | URL): string {
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
}
