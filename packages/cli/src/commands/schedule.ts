import {
  type CacheSchedule,
  InvalidArgumentError,
  planFingerprint,
  UnsupportedError,
} from '@harmonica/core';
import {
  modelArchitecture,
  modelSpec,
  prepareFolderOf,
  readCacheDocument,
  readCacheText,
  resolveRunSetting,
  writeOutput,
} from '@harmonica/pipeline';
import {
  type ComponentNames,
  createProvenance,
  DIFFUSERS_COMPONENTS,
  DIT_COMPONENTS,
  diffSchedules,
  editSchedule,
  formatSchedule,
  formatSmoothCacheSchedule,
  parseSmoothCacheSchedule,
  resampleSchedule,
  type ScheduleEdit,
} from '@harmonica/router';
import { createPlan, type SamplerOptions, samplerOf, settingsIn } from '@harmonica/samplers';
import type { Command } from 'commander';
import type { CommandContext } from '../cli-context.js';
import {
  addRunOptions,
  addSamplerOptions,
  addSpecOption,
  type RunOptions,
} from '../options/option-groups.js';
import { choiceOption, stepsAndBranchesOption } from '../options/option-values.js';
import { diffReport, savingsOf, scheduleReport } from '../terminal/schedule-report.js';
import { usePipeline } from '../terminal/use-pipeline.js';

const COMPONENTS: { readonly [Name in 'dit' | 'diffusers']: ComponentNames } = {
  dit: DIT_COMPONENTS,
  diffusers: DIFFUSERS_COMPONENTS,
};

interface MakeOptions extends RunOptions {
  readonly out: string;
}

interface FileOptions {
  readonly model?: string;
  readonly out: string;
}

interface ComponentOptions extends FileOptions {
  readonly components: keyof typeof COMPONENTS;
}

/** `harmonica schedule`: make, look at, compare, change and exchange schedules. */
export function addScheduleCommand(program: Command, context: CommandContext): void {
  const group = program
    .command('schedule')
    .description('make, print, compare, edit, move and exchange cache schedules');
  addPrint(group, context);
  addMake(group, context);
  addDiff(group, context);
  addEdit(group, context);
  addResample(group, context);
  addExport(group, context);
  addImport(group, context);
}

function addPrint(group: Command, { stdout }: CommandContext): void {
  const command = addSpecOption(group.command('print'))
    .description('print what is computed in each step')
    .argument('<file>', 'a schedule or router: a file, or a name of emoji-dit')
    .option('--json', 'as a schedule file')
    .action(async (file: string) => {
      const { model, json } = command.opts<FileOptions & { readonly json?: boolean }>();
      const { name, document, schedule } = await readCacheDocument(file);
      if (json) {
        stdout.write(formatSchedule(schedule));
        return;
      }
      const spec = await modelSpec({ model, provenance: document.provenance });
      stdout.write(scheduleReport({ name, schedule, spec }));
    });
}

function addMake(group: Command, context: CommandContext): void {
  const command = group
    .command('make')
    .description('write the schedule of a caching method for a model and sampler')
    .argument('<policy>', 'as for sample --policy, such as fora:2');
  addRunOptions(command);
  addOut(command).action(async (policy: string) => {
    const options = command.optsWithGlobals<MakeOptions>();
    await prepareFolderOf(options.out);
    await usePipeline({
      options,
      context,
      use: async ({ model }) => {
        const { cache, plan, guidance } = await resolveRunSetting({
          options: { ...options, policy },
          model,
        });
        if (cache?.kind !== 'schedule') throw withoutSchedule(policy);
        const { spec } = model.backbone;
        const training = { ...cache.schedule.provenance?.training, policy: cache.name };
        const schedule = {
          ...cache.schedule,
          provenance: createProvenance({
            spec,
            modelSha256: model.sha256,
            plan,
            guidance,
            training,
          }),
        };
        await writeSchedule(options.out, schedule);
        const { name } = cache;
        context.stdout.write(`${options.out}: ${savingsOf({ name, schedule, spec })}\n`);
      },
    });
  });
}

function addDiff(group: Command, { stdout }: CommandContext): void {
  group
    .command('diff')
    .description('what changes from one schedule or router to another')
    .argument('<a>', 'a file, or a name of emoji-dit')
    .argument('<b>', 'the same')
    .action(async (a: string, b: string) => {
      const [from, to] = await Promise.all([readCacheDocument(a), readCacheDocument(b)]);
      stdout.write(diffReport(diffSchedules({ from: from.schedule, to: to.schedule })));
    });
}

function addEdit(group: Command, { stdout }: CommandContext): void {
  const command = group
    .command('edit')
    .description('set steps and branches of a schedule')
    .argument('<file>', 'a schedule or router: a file, or a name of emoji-dit');
  addRanges(command, '--predict <ranges...>', 'predicted');
  addRanges(command, '--compute <ranges...>', 'computed; goes before --predict');
  addOut(command).action(async (file: string) => {
    const { predict = [], compute = [], out } = command.opts<EditOptions>();
    const edits = [...editsOf(predict, 'predicted'), ...editsOf(compute, 'computed')];
    if (edits.length === 0) {
      throw new InvalidArgumentError({
        argument: '--compute and --predict',
        value: 'nothing',
        expected: 'at least one of them, such as --predict 3-5:0-7',
      });
    }
    const { schedule } = await readCacheDocument(file);
    const edited = editSchedule({ schedule, edits });
    await prepareFolderOf(out);
    await writeSchedule(out, edited);
    stdout.write(diffReport(diffSchedules({ from: schedule, to: edited })));
  });
}

interface EditOptions extends FileOptions {
  readonly predict?: readonly StepsAndBranches[];
  readonly compute?: readonly StepsAndBranches[];
}

type StepsAndBranches = ReturnType<typeof stepsAndBranchesOption>;

function addRanges(command: Command, flags: string, what: string): Command {
  return command.option(
    flags,
    `steps, or steps:branches, to be ${what}, such as 4 or 3-5:0-7`,
    (text: string, before: readonly StepsAndBranches[] = []) => [
      ...before,
      stepsAndBranchesOption(text),
    ],
  );
}

function editsOf(
  ranges: readonly StepsAndBranches[],
  become: ScheduleEdit['become'],
): readonly ScheduleEdit[] {
  return ranges.map(({ steps, branches }) => ({ steps, ...(branches && { branches }), become }));
}

function addResample(group: Command, { stdout }: CommandContext): void {
  const command = addSpecOption(group.command('resample'))
    .description('move a schedule to another number of steps or another sampler')
    .argument('<file>', 'a schedule or router that says what it was made for');
  addSamplerOptions(command);
  addOut(command).action(async (file: string) => {
    const options = command.opts<FileOptions & SamplerOptions>();
    const { name, schedule } = await readCacheDocument(file);
    const { provenance } = schedule;
    if (!provenance) {
      throw new InvalidArgumentError({
        argument: file,
        value: 'a schedule without provenance',
        expected: 'one that says what it was made for',
        fix: 'Make one with harmonica schedule make.',
      });
    }
    const { spec, process } = await modelArchitecture({ model: options.model, provenance });
    const made = samplerOf(provenance, process);
    const plan = createPlan({
      ...settingsIn(options),
      sampler: options.sampler ?? made,
      steps: options.steps ?? String(schedule.steps),
      process,
    });
    const before = createPlan({ sampler: made, steps: String(schedule.steps), process });
    const isKnown = planFingerprint(before) === provenance.sampler.planSha256;
    const resampled = resampleSchedule({
      schedule,
      to: { spec, modelSha256: provenance.model.sha256, plan, guidance: provenance.guidance },
      ...(isKnown && { from: before }),
    });
    await prepareFolderOf(options.out);
    await writeSchedule(options.out, resampled);
    const by = isKnown ? 'model time' : 'their number';
    stdout.write(`${options.out}: ${savingsOf({ name, schedule: resampled, spec })}\n`);
    stdout.write(`a guess, not a result of training: steps are matched by ${by}\n`);
  });
}

function addExport(group: Command, { stdout }: CommandContext): void {
  const command = addComponents(group.command('export-smoothcache'))
    .description('write a schedule as the official SmoothCache code reads it')
    .argument('<file>', 'a schedule or router that predicts by hold');
  addOut(command).action(async (file: string) => {
    const { model, components, out } = command.opts<ComponentOptions>();
    const { schedule } = await readCacheDocument(file);
    const { branches } = await modelSpec({ model, provenance: schedule.provenance });
    const text = formatSmoothCacheSchedule({
      schedule,
      branches,
      components: COMPONENTS[components],
    });
    await prepareFolderOf(out);
    await writeOutput(out, text);
    stdout.write(`written: ${out}\n`);
  });
}

function addImport(group: Command, { stdout }: CommandContext): void {
  const command = addComponents(group.command('import-smoothcache'))
    .description('turn a schedule file of the official SmoothCache code into a schedule')
    .argument('<file>', 'JSON of the official code; it does not say which run it is for');
  addOut(command).action(async (file: string) => {
    const { model = 'emoji-dit', components, out } = command.opts<ComponentOptions>();
    const text = await readCacheText(file);
    const spec = await modelSpec({ model });
    const schedule = parseSmoothCacheSchedule({
      text,
      source: file,
      branches: spec.branches,
      components: COMPONENTS[components],
    });
    await prepareFolderOf(out);
    await writeSchedule(out, schedule);
    stdout.write(`${out}: ${savingsOf({ name: file, schedule, spec })}\n`);
  });
}

function addComponents(command: Command): Command {
  const names = Object.keys(COMPONENTS) as (keyof typeof COMPONENTS)[];
  return addSpecOption(command).option(
    '--components <names>',
    `how components are called: ${names.join(', ')}`,
    choiceOption(names),
    'dit',
  );
}

function addOut(command: Command): Command {
  return command.option('--out <file>', 'where it goes', 'out/schedule.json');
}

function writeSchedule(path: string, schedule: CacheSchedule): Promise<void> {
  return writeOutput(path, formatSchedule(schedule));
}

function withoutSchedule(policy: string): UnsupportedError {
  return new UnsupportedError({
    feature: `a schedule of ${policy}`,
    engine: 'schedule make',
    fix: 'It is decided while sampling: run.json of harmonica sample has what was decided.',
  });
}
