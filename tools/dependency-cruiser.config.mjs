// Which packages may import which, and that nothing imports in a circle, not even types.

import { readFileSync } from 'node:fs';

/** What each package may import of the others, besides its own files. */
const MAY_IMPORT = {
  core: [],
  samplers: ['core'],
  weights: ['core'],
  backbones: ['core'],
  onnx: ['core'],
  metrics: ['core'],
  router: ['core'],
  iepo: ['core', 'router'],
  sdt: ['core', 'router', 'iepo'],
  pictures: ['core', 'router'],
  'emoji-dit': ['core', 'backbones', 'weights'],
  pipeline: ['core', 'samplers', 'weights', 'backbones', 'onnx', 'router', 'pictures', 'emoji-dit'],
  evaluation: 'all',
  cli: 'all',
};

const TESTS = '\\.test(-d)?\\.ts$|/__fixtures__/|/test/|/scripts/';

const forbidden = Object.entries(MAY_IMPORT).map(([name, allowed]) => {
  const imported = declaredBy(name).filter((other) => allowed === 'all' || allowed.includes(other));
  const others = [...Object.keys(MAY_IMPORT), 'testing'].filter(
    (other) => other !== name && !imported.includes(other),
  );
  return {
    name: `imports-of-${name}`,
    comment: `${name} may import, and declares: ${imported.join(', ') || 'no other package'}`,
    severity: 'error',
    from: { path: `^packages/${name}/src/`, pathNot: TESTS },
    to: { path: `^packages/(${others.join('|')})/` },
  };
});

/** The packages of this repository that a package depends on, tests aside. */
function declaredBy(name) {
  const file = new URL(`../packages/${name}/package.json`, import.meta.url);
  const { dependencies = {} } = JSON.parse(readFileSync(file, 'utf8'));
  return Object.keys(dependencies).flatMap((full) => full.split('@harmonica/')[1] ?? []);
}

export default {
  forbidden: [
    ...forbidden,
    {
      name: 'no-circles',
      comment: 'a circle of files has no order to read them in',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-undeclared-dependency',
      comment: 'who installs the package does not get what only its tests have',
      severity: 'error',
      from: { path: '^packages/[^/]+/src/', pathNot: TESTS },
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown', 'unknown'],
        dependencyTypesNot: ['npm', 'npm-peer', 'npm-optional'],
      },
    },
    {
      name: 'no-import-of-the-command',
      comment: 'the command holds nothing that a program would want',
      severity: 'error',
      from: { path: '^(packages|examples|docs)/', pathNot: '^packages/cli/' },
      to: { path: '^packages/cli/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '/(dist|\\.tsc)/' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['@harmonica/source', 'import', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.json'],
    },
  },
};
