// Which packages may import which, and that nothing imports in a circle, not even types.

/** What each package may import of the others, besides its own files. */
const MAY_IMPORT = {
  core: [],
  samplers: ['core'],
  weights: ['core'],
  backbones: ['core', 'weights'],
  onnx: ['core'],
  metrics: ['core', 'weights'],
  router: ['core', 'samplers'],
  iepo: ['core', 'router'],
  sdt: ['core', 'samplers', 'router', 'iepo'],
  pictures: ['core', 'router'],
  'emoji-dit': ['core', 'backbones', 'weights'],
  pipeline: ['core', 'samplers', 'weights', 'backbones', 'onnx', 'router', 'pictures', 'emoji-dit'],
  evaluation: 'all but cli',
  cli: 'all',
};

const TESTS = '\\.test(-d)?\\.ts$|/__fixtures__/|/test/|/scripts/';

const forbidden = Object.entries(MAY_IMPORT).flatMap(([name, allowed]) => {
  if (allowed === 'all') return [];
  const names = Object.keys(MAY_IMPORT).filter((other) => other !== name);
  const others = Array.isArray(allowed)
    ? names.filter((other) => !allowed.includes(other))
    : ['cli'];
  return {
    name: `imports-of-${name}`,
    comment: `${name} may import ${Array.isArray(allowed) ? allowed.join(', ') || 'no other package' : allowed}`,
    severity: 'error',
    from: { path: `^packages/${name}/src/`, pathNot: TESTS },
    to: { path: `^packages/(${others.join('|')}|testing)/` },
  };
});

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
