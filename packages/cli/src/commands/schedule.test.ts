import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseCacheSchedule } from '@harmonica/core';
import { temporaryFolder } from '@harmonica/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeTinyModel } from '../../../emoji-dit/test/tiny-model.js';
import { runCommand } from '../../test/run-command.js';

describe('harmonica schedule', () => {
  let folder: string;
  let model: string;
  let made: string;
  const path = (name: string) => join(folder, name);
  const scheduleIn = async (file: string) => parseCacheSchedule(await readFile(file, 'utf8'));
  const schedule = async (...argv: readonly string[]) => {
    const { status, stdout, stderr } = await runCommand(['schedule', ...argv]);
    expect(stderr).not.toContain('error');
    expect(status).toBe(0);
    return stdout;
  };

  beforeAll(async () => {
    folder = await temporaryFolder();
    model = await writeTinyModel(path('model'));
    made = path('fora.json');
    const run = ['--model', model, '--steps', '6', '--guidance', '2'];
    const argv = ['schedule', 'make', 'fora:2', ...run, '--out', made];
    const { stdout } = await runCommand(argv);
    expect(stdout).toBe(
      `${made}: 6 steps, 6 branches, CUR 33.3 %, ${/\d+\.\d+x/.exec(stdout)?.[0]} by MACs\n`,
    );
  });

  it('makes a schedule that says what it was made for, and sample refuses it elsewhere', async () => {
    const document = await scheduleIn(made);
    expect(document.table.map((row) => row[0]).join('')).toBe('110101');
    expect(document.provenance).toMatchObject({
      sampler: { name: 'ddim', steps: 6 },
      guidance: { scale: 2, channels: 4 },
      training: { policy: 'fora:2' },
    });
    const sample = ['sample', '--model', model, '--policy', made, '--guidance', '3'];
    const refused = await runCommand([...sample, '--out', path('never')]);
    expect(refused.stderr).toMatch(
      /guidance scale that the schedule was made for is 2; expected 3/,
    );
  });

  it('prints a line for each step, or the file', async () => {
    const text = await schedule('print', made, '--model', model);
    expect(text).toMatch(/^fora: 6 steps, 6 branches, CUR 33.3 %, .*, hold\n0 {2}6 {2}111111\n/);
    expect(text.split('\n')[3]).toBe('2  0  000000');
    expect(await schedule('print', made, '--json')).toBe(await readFile(made, 'utf8'));
    const shipped = await schedule('print', 'ddim-20-per-step-1.8x');
    expect(shipped.trim().split('\n')).toHaveLength(21);
  });

  it('edits steps and branches, and shows the difference', async () => {
    const edited = path('edited.json');
    const ranges = ['--predict', '3', '--compute', '2:0-2', '4:5'];
    const printed = await schedule('edit', made, ...ranges, '--out', edited);
    const { table, provenance } = await scheduleIn(edited);
    expect(table).toEqual(['111111', '111111', '111000', '000000', '000001', '111111']);
    expect(provenance?.training?.edits).toHaveLength(3);
    const diff = 'step 2: + 0-2\nstep 3: - 0-5\nstep 4: + 5\n4 more computed, 6 more predicted\n';
    expect(printed).toBe(diff);
    expect(await schedule('diff', made, edited)).toBe(diff);
    expect(await schedule('diff', made, made)).toBe('the same\n');
    const taylor = path('taylor.json');
    await writeFile(taylor, JSON.stringify({ ...(await scheduleIn(made)), predictor: 'taylor-1' }));
    expect(await schedule('diff', made, taylor)).toContain('step 2: hold -> taylor-1\n');
  });

  it('moves a schedule to other steps, and marks it', async () => {
    const moved = path('moved.json');
    const printed = await schedule(
      'resample',
      made,
      '--model',
      model,
      '--steps',
      '12',
      '--out',
      moved,
    );
    expect(printed).toMatch(/12 steps, 6 branches/);
    expect(printed).toContain('a guess, not a result of training: steps are matched by model time');
    const { steps, provenance } = await scheduleIn(moved);
    expect(steps).toBe(12);
    expect(provenance).toMatchObject({
      sampler: { name: 'ddim', steps: 12 },
      training: { policy: 'fora:2', resampledFrom: { steps: 6, sampler: 'ddim' } },
    });
    const out = path('sampled');
    const sample = ['sample', '--model', model, '--policy', moved, '--seeds', '0', '--out', out];
    expect((await runCommand(sample)).stdout).toContain('1 images, ddim, 12 steps, moved: CUR');
  });

  it('goes to the format of SmoothCache and back', async () => {
    const exported = path('smooth.json');
    for (const components of ['dit', 'diffusers']) {
      const shared = ['--components', components, '--model', model];
      await schedule('export-smoothcache', made, ...shared, '--out', exported);
      const [first] = Object.keys(JSON.parse(await readFile(exported, 'utf8')));
      expect(first).toBe(components === 'dit' ? 'attn' : 'attn1');
      const imported = path('imported.json');
      await schedule('import-smoothcache', exported, ...shared, '--out', imported);
      expect((await scheduleIn(imported)).table).toEqual((await scheduleIn(made)).table);
    }
  });

  it.each([
    [['make', 'first-block:0.1', '--steps', '4'], /decided while sampling/],
    [['make', 'none', '--steps', '4'], /schedule make does not support a schedule of none/],
    [['make', 'fara:2', '--steps', '4'], /expected one of none, fora/],
    [['edit', 'MADE'], /expected at least one of them/],
    [['edit', 'MADE', '--predict', '0'], /every branch computed in step 0/],
    [['edit', 'MADE', '--predict', '9'], /steps is \[9,9\]/],
    [['edit', 'MADE', '--compute', 'all'], /such as 4 or 3-5:0-7/],
    [['diff', 'MADE', 'ddim-20-per-step-1.8x'], /20 steps x 24 branches/],
    [['resample', 'BARE', '--steps', '4'], /without provenance/],
    [['print', '/nowhere/x.json'], /neither a file/],
  ])('refuses %j and writes nothing', async (argv, message) => {
    const bare = path('bare.json');
    const { provenance: _, ...rest } = await scheduleIn(made);
    await writeFile(bare, JSON.stringify(rest));
    const files: Record<string, string> = { MADE: made, BARE: bare };
    const out = path('refused.json');
    const needsModel = argv[0] === 'make' ? ['--model', model] : [];
    const takesOut = argv[0] === 'diff' || argv[0] === 'print' ? [] : ['--out', out];
    const { status, stderr } = await runCommand([
      ...['schedule', ...argv.map((word) => files[word] ?? word), ...needsModel, ...takesOut],
    ]);
    expect(status).toBe(1);
    expect(stderr).toMatch(message);
    await expect(readFile(out)).rejects.toThrow();
  });
});
