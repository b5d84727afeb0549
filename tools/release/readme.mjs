/**
 * What the first screen of a README has its reader do: install packages, then try an example, in TypeScript or in a shell.
 *
 * @returns {{ install: string[], example: { language: string, code: string } }}
 */
export function firstScreen(readme) {
  const [install, ...rest] = codeBlocks(readme, ['sh', 'ts']);
  if (!install?.code.startsWith('npm install ')) throw new Error('The README installs nothing.');
  if (rest.length === 0) throw new Error('The README has no example.');
  return { install: installedPackages(install.code), example: rest[0] };
}

/** The fenced blocks of a README in some languages, from top to bottom. */
function codeBlocks(readme, languages) {
  return Array.from(readme.matchAll(/^```(\w+)\n(.*?)^```$/gms), ([, language, code]) => ({
    language,
    code,
  })).filter(({ language }) => languages.includes(language));
}

/** The packages that lines such as `npm install --global a b # why` install. */
function installedPackages(lines) {
  return lines
    .split('\n')
    .flatMap((line) => line.replace(/#.*/, '').trim().split(/\s+/).slice(2))
    .filter((word) => !word.startsWith('-'));
}

/** The packages that a program imports, without those of Node. */
export function importedPackages(code) {
  const paths = Array.from(
    code.matchAll(/^(?:import|\} from) .*?'([^']+)';/gm),
    ([, path]) => path,
  );
  const names = paths.map((path) =>
    path
      .split('/')
      .slice(0, path.startsWith('@') ? 2 : 1)
      .join('/'),
  );
  return [...new Set(names)].filter((name) => !name.startsWith('node:') && !name.startsWith('.'));
}

/** What an example says that it prints: the comments behind its calls of `console.log`, in order. */
export function promisedOutput(code) {
  return Array.from(code.matchAll(/console\.log\(.*\); \/\/ (.+)$/gm), ([, text]) => text);
}

/** The first promise that an output does not keep, looked for one after the other; undefined if it keeps all. */
export function brokenPromise(code, output) {
  let from = 0;
  return promisedOutput(code).find((text) => {
    const found = output.indexOf(text, from);
    from = found + text.length;
    return found < 0;
  });
}
