/** The first package that loads, or why the last one did not. */
export type FoundPackage = { readonly name: string } | { readonly cause: unknown };

/**
 * Imports the first package of a list that is installed and loads. The names are not literals in an `import`, so that
 * neither compilers nor bundlers ask for optional packages.
 */
export async function findPackage(names: readonly string[]): Promise<FoundPackage> {
  let cause: unknown;
  for (const name of names) {
    try {
      await import(name);
      return { name };
    } catch (error) {
      cause = error;
    }
  }
  return { cause };
}
