// Writes docs/api: a page for each entry of each published package, from the docstrings of the sources.
import { join } from 'node:path';
import {
  Application,
  type Comment,
  type CommentDisplayPart,
  Converter,
  type ProjectReflection,
  ReflectionKind,
} from 'typedoc';
import type { PluginOptions } from 'typedoc-plugin-markdown';
import { publishedPackages, repository, root } from './documents.js';

/** Where the pages are written, from the root. */
const apiFolder = 'docs/api';

/** What has to have a docstring: fields have one where their names do not say all. */
const DOCUMENTED = [
  'Variable',
  'Function',
  'Class',
  'Interface',
  'Method',
  'Accessor',
  'TypeAlias',
];

/** Tables, and steps on the way, that types are derived from, by package: a reader needs no more than the names of the types. */
const TABLES: Readonly<Record<string, string[]>> = {
  '@harmonica/backbones': ['TABLE'],
  '@harmonica/evaluation': ['METRICS'],
  '@harmonica/pipeline': ['ENGINES'],
  '@harmonica/router': ['CalibrationOf'],
  '@harmonica/samplers': ['ALGORITHMS', 'DIFFUSIONS', 'TABLE'],
};

/**
 * Makes the pages.
 * @returns Whether it went without a warning: every export has a docstring, types that are needed are exported, and links of
 * docstrings lead to exports.
 */
export async function writeApi(): Promise<boolean> {
  const entries = publishedPackages().flatMap((published) => published.entries);
  const names = new Map(entries.map(({ source, specifier }) => [join(root, source), specifier]));
  const options: Parameters<typeof Application.bootstrapWithPlugins>[0] & Partial<PluginOptions> = {
    entryPoints: [...names.keys()],
    tsconfig: join(root, 'tools/tsconfig/api.json'),
    plugin: ['typedoc-plugin-markdown'],
    outputs: [{ name: 'markdown', path: join(root, apiFolder) }],
    router: 'module',
    name: 'API',
    readme: 'none',
    disableGit: true,
    basePath: root,
    displayBasePath: root,
    sourceLinkTemplate: `${repository}/blob/main/{path}#L{line}`,
    requiredToBeDocumented: DOCUMENTED as never,
    excludeInternal: true,
    excludeExternals: true,
    groupOrder: ['Functions', 'Variables', 'Classes', '*'],
    useCustomAnchors: true,
    hideBreadcrumbs: true,
    hidePageHeader: true,
    parametersFormat: 'table',
    interfacePropertiesFormat: 'table',
    classPropertiesFormat: 'table',
    typeDeclarationFormat: 'table',
    tableColumnSettings: {
      hideSources: true,
      hideInherited: true,
      hideOverrides: true,
      hideModifiers: true,
    },
  };
  const app = await Application.bootstrapWithPlugins(options);
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    nameModules(project, names);
    linkAcrossPackages(project);
  });
  const project = await app.convert();
  if (project === undefined) return false;
  validate(app, project);
  await app.generateOutputs(project);
  return app.logger.errorCount + app.logger.warningCount === 0;
}

/** TypeDoc looks for what is not exported or documented in the project's package alone, so that it is each of ours in turn. */
function validate(app: Application, project: ProjectReflection): void {
  for (const [index, { name }] of publishedPackages().entries()) {
    project.packageName = name;
    app.options.setValue('intentionallyNotExported', TABLES[name] ?? []);
    app.options.setValue('validation', {
      notExported: true,
      notDocumented: true,
      invalidLink: index === 0,
    });
    app.validate(project);
  }
}

/** Calls the module of an entry what a program imports it by. */
function nameModules(project: ProjectReflection, names: ReadonlyMap<string, string>): void {
  for (const module of project.getChildrenByKind(ReflectionKind.Module)) {
    module.name = names.get(module.sources?.[0]?.fullFileName ?? '') ?? module.name;
  }
}

/**
 * Gives `{@link Name}` its meaning where the file does not import `Name`: what its own package exports by it, or core, or
 * any other.
 */
function linkAcrossPackages(project: ProjectReflection): void {
  const modules = project.getChildrenByKind(ReflectionKind.Module);
  const core = modules.filter((module) => module.name === '@harmonica/core');
  for (const reflection of Object.values(project.reflections)) {
    const own = modules.filter((module) => reflection.getFullName().startsWith(`${module.name}.`));
    for (const part of partsOf(reflection.comment)) {
      if (part.kind !== 'inline-tag' || part.target !== undefined) continue;
      const name = part.text.trim();
      const target = [...own, ...core, ...modules]
        .flatMap((module) => module.children ?? [])
        .find((child) => child.name === name);
      if (target) part.target = target;
    }
  }
}

function partsOf(comment: Comment | undefined): readonly CommentDisplayPart[] {
  if (comment === undefined) return [];
  return [...comment.summary, ...comment.blockTags.flatMap((tag) => tag.content)];
}
