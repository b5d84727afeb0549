import { randomDit } from '@harmonica/backbones';
import { setBackend } from '@tensorflow/tfjs-core';
import { deriveVjp } from '../src/backbone-gradients.js';
import '@tensorflow/tfjs-backend-cpu';
import { ensureGradients } from '@harmonica/core';
import {
  traceBegin,
  traceBlend,
  traceCompute,
  traceEnd,
  traceParts,
  tracePredict,
} from '../src/backbone-graphs.js';
import { fuseGraph } from '../src/fuse-graph.js';
import { layoutOf } from '../src/stream-names.js';

await setBackend('cpu');
await ensureGradients();
const backbone = randomDit({
  seed: 1,
  config: {
    name: 'b',
    depth: 1,
    hiddenSize: 256,
    heads: 4,
    patchSize: 2,
    mlpRatio: 4,
    inputSize: 16,
    inChannels: 4,
    numClasses: 10,
    learnSigma: true,
  },
});
const show = (name: string, g: any) => {
  console.log(
    '==',
    name,
    g.nodes.length,
    'nodes; inputs',
    g.inputs.map((i: any) => i.name).join(' '),
  );
  for (const n of g.nodes)
    console.log(
      ' ',
      n.op,
      n.inputs.map((i: string) => `${i}[${g.values.get(i)?.shape}]`).join(' '),
      '->',
      n.outputs.map((o: string) => `${o}[${g.values.get(o)?.shape}]`).join(' '),
      JSON.stringify(n.attributes),
    );
  console.log('  outputs', g.outputs.map((o: any) => `${o.name}=${o.value}`).join(' '));
};
const begin = traceBegin(backbone, 32);
const layout = layoutOf(begin.outputs);
const [att, mlp] = backbone.spec.branches as any;
const output = [32, 64, 256];
const which = process.argv[2] ?? 'all';
if (which === 'all' || which === 'begin') show('begin', fuseGraph(begin));
for (const branch of [att, mlp]) {
  if (which === 'all' || which === 'compute')
    show(branch.kind, fuseGraph(traceCompute({ backbone, branch, layout, output })));
  if (which === 'vjp' || which === 'all')
    show(
      branch.kind + ' vjp',
      fuseGraph(
        deriveVjp(
          traceParts({ backbone, branch, layout, output }, { kind: 'rows', count: 3 }),
          layout,
        ),
      ),
    );
}
if (which === 'all' || which === 'predict')
  show(
    'predict',
    fuseGraph(
      tracePredict(backbone, layout, [
        { branch: att, history: { kind: 'rows', count: 3 }, output },
        { branch: mlp, history: { kind: 'tensors', count: 1 }, output },
      ]),
    ),
  );
if (which === 'all' || which === 'blend')
  show(
    'blend',
    fuseGraph(traceBlend({ backbone, branch: mlp, layout, output }, { kind: 'rows', count: 3 })),
  );
if (which === 'all' || which === 'end') show('end', fuseGraph(traceEnd(backbone, layout)));
