import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ditSpec } from '@harmonica/backbones';
import { emojiDitConfig } from '@harmonica/emoji-dit';
import { decodePng } from '@harmonica/pictures';
import { constantLogits, createProvenance } from '@harmonica/router';
import { createDdimPlan } from '@harmonica/samplers';
import { expect, it } from 'vitest';
import { quickstart } from './index.js';

it('writes a picture of four emoji and says what was computed', async () => {
  const spec = ditSpec((await emojiDitConfig()).dit);
  const out = join(await mkdtemp(join(tmpdir(), 'quickstart-')), 'emoji.png');
  const size = { steps: 2, branches: spec.branches.length };
  const logits = constantLogits({ ...size, value: -1 });
  const computed = await quickstart(out, {
    ...size,
    version: 1,
    kind: 'router',
    predictor: 'hold',
    threshold: 0.5,
    // Step 0 computes everything; of step 1 this router lets the first half of the branches be computed.
    logits: logits.map((row) => row.map((logit, branch) => (branch < 12 ? 1 : logit))),
    provenance: createProvenance({
      spec,
      modelSha256: '0'.repeat(64),
      plan: createDdimPlan({ steps: 2 }),
      guidance: { scale: 3, channels: 4 },
    }),
  });
  expect(computed).toBe(0.75);
  const { width, height, data } = decodePng(await readFile(out));
  expect([width, height]).toEqual([2 * 128 + 4, 2 * 128 + 4]);
  expect(new Set(data).size).toBeGreaterThan(100);
});
