import { join } from 'node:path';
import ts from 'typescript';
import { type CodeBlock, isProgram } from './code-blocks.js';
import { root } from './documents.js';

const folder = join(root, 'docs/scripts');
const given = join(folder, 'given.ts');

/** Cannot find a name; the same with a suggestion; nothing for a shorthand property; no such namespace. */
const MISSING_NAME = [2304, 2552, 18004, 2503];

/**
 * Type-checks blocks as modules of this package, which depends on all others. What a block leaves out is taken from
 * `given.ts`, and in a block that is no whole program from `exporters`, from the first of these modules that has it.
 * @returns What the compiler says, each with document and line.
 */
export function checkCode(
  blocks: readonly CodeBlock[],
  exporters: readonly string[],
): readonly string[] {
  const options = compilerOptions();
  const bare = blocks.map(({ code }, index) => [pathOf(index), `export {}; ${code}`] as const);
  const all = join(folder, 'all-exports.ts');
  const imports = exporters.map((name) => `export * as '${name}' from '${name}';`).join('\n');
  const program = createProgram(new Map([...bare, [all, imports]]), options);

  const ofGiven = exportsOf(program, given, './given.js');
  const ofAll = new Map([...exportsOfAll(program, all), ...ofGiven]);
  const complete = blocks.map((block, index) => {
    const missing = missingNames(program, pathOf(index));
    const known = isProgram(block) ? ofGiven : ofAll;
    return [pathOf(index), `export {}; ${importsOf(missing, known)}${block.code}`] as const;
  });
  const completed = createProgram(new Map(complete), options, program);
  return blocks.flatMap(({ document, line }, index) =>
    diagnosticsOf(completed, pathOf(index)).map((diagnostic) => {
      const text = ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n');
      const position = diagnostic.file?.getLineAndCharacterOfPosition(diagnostic.start ?? 0);
      return `${document}:${line + (position?.line ?? 0)}: ${text}`;
    }),
  );
}

/** The names that modules export, types too, by module. */
export function exportedNames(
  specifiers: readonly string[],
): ReadonlyMap<string, ReadonlySet<string>> {
  const files = specifiers.map((name, i) => [pathOf(i), `export * from '${name}';`] as const);
  const program = createProgram(new Map(files), compilerOptions());
  return new Map(
    specifiers.map((name, index) => {
      const symbols = symbolsOf(program, pathOf(index));
      return [name, new Set(symbols.map((symbol) => symbol.name))];
    }),
  );
}

function pathOf(index: number): string {
  return join(folder, `block-${index}.ts`);
}

/** Those of the tests, but that of an array an element may be taken as it is: readers need not know how long it is. */
function compilerOptions(): ts.CompilerOptions {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.tests.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [] }, ts.sys, root);
  return { ...options, noUncheckedIndexedAccess: false };
}

/** A program of files that are not on the disk, with those that are. Unchanged files of an earlier one are not read again. */
function createProgram(
  files: ReadonlyMap<string, string>,
  options: ts.CompilerOptions,
  earlier?: ts.Program,
): ts.Program {
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (path) => files.has(path) || fileExists(path);
  host.readFile = (path) => files.get(path) ?? readFile(path);
  host.getSourceFile = (path, ...rest) =>
    (files.has(path) ? undefined : earlier?.getSourceFile(path)) ?? getSourceFile(path, ...rest);
  const rootNames = [...files.keys(), given];
  return ts.createProgram({ rootNames, options, host });
}

/** The names that a module exports, and where to import them from. */
function exportsOf(program: ts.Program, path: string, from: string): ReadonlyMap<string, string> {
  return new Map(symbolsOf(program, path).map(({ name }) => [name, from]));
}

/** The same of every module that a module exports as a whole; the first that has a name gives it. */
function exportsOfAll(program: ts.Program, path: string): ReadonlyMap<string, string> {
  const checker = program.getTypeChecker();
  const entries = symbolsOf(program, path).flatMap((module) =>
    checker
      .getExportsOfModule(checker.getAliasedSymbol(module))
      .map(({ name }) => [name, module.name] as const),
  );
  return new Map(entries.reverse());
}

function symbolsOf(program: ts.Program, path: string): readonly ts.Symbol[] {
  const checker = program.getTypeChecker();
  const file = program.getSourceFile(path);
  const module = file && checker.getSymbolAtLocation(file);
  return module ? checker.getExportsOfModule(module) : [];
}

function missingNames(program: ts.Program, path: string): ReadonlySet<string> {
  const names = diagnosticsOf(program, path)
    .filter(({ code }) => MISSING_NAME.includes(code))
    .map(({ file, start = 0, length = 0 }) => file?.text.slice(start, start + length) ?? '');
  return new Set(names);
}

function importsOf(names: ReadonlySet<string>, known: ReadonlyMap<string, string>): string {
  return [...names]
    .filter((name) => known.has(name))
    .map((name) => `import { ${name} } from '${known.get(name)}'; `)
    .join('');
}

function diagnosticsOf(program: ts.Program, path: string): readonly ts.Diagnostic[] {
  const file = program.getSourceFile(path);
  return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)];
}
