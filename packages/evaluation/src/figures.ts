import { type Branch, type LongCallOptions, trackProgress } from '@harmonica/core';
import {
  barPlot,
  encodePng,
  heatMapOfScores,
  heatMapToSvg,
  imageGrid,
  linePlot,
  type PlotPoint,
} from '@harmonica/pictures';
import { decodeImages, sampleLatents } from '@harmonica/pipeline';
import { cacheMethodOf, macsCostModel } from '@harmonica/router';
import type { Tensor } from '@tensorflow/tfjs-core';
import { batchesOf } from './batches.js';
import type { FinishedEval } from './evaluate.js';
import { latentsOf } from './measure-rows.js';
import {
  type EvalOutcome,
  type EvalRow,
  type FinishedRow,
  groupsOf,
  type RowQuality,
  speedUpOf,
  uncachedOf,
} from './row.js';

/** A picture of the report: an SVG document, or a PNG file. */
export interface Figure {
  readonly title: string;
  readonly content: string | Uint8Array;
  /** What it is called as a file of its own, if it is worth one. */
  readonly file?: string;
}

/** Figures under one heading. */
export interface FigureSection {
  readonly title: string;
  /** What there is to see. */
  readonly text: string;
  readonly figures: readonly Figure[];
}

/** A metric as a curve over the speed-up. */
interface Curve {
  /** In the names of files. */
  readonly name: string;
  readonly title: string;
  readonly value: (row: FinishedRow) => number | null;
}

/** Figures that are made from features have the name of what made those beside them: of another network they are other ones. */
function curvesOf({ extractor, target }: EvalOutcome): readonly Curve[] {
  const lower = (what: string) => `${what}, ${extractor} (lower is better)`;
  const higher = (what: string) => `${what}, ${extractor} (higher is better)`;
  const ofQuality = (name: string, title: string, metric: keyof RowQuality): Curve => ({
    name,
    title,
    value: ({ quality }) => quality[metric],
  });
  return [
    ofQuality('fid', lower('FID'), 'fid'),
    ofQuality('sfid', lower('sFID'), 'sfid'),
    ofQuality('kid', lower('KID'), 'kid'),
    ofQuality('is', higher('IS'), 'inceptionScore'),
    ofQuality('precision', higher('Precision'), 'precision'),
    ofQuality('recall', higher('Recall'), 'recall'),
    ofQuality('psnr', 'PSNR to uncached, dB', 'psnrToUncached'),
    ofQuality('ssim', 'SSIM to uncached', 'ssimToUncached'),
    ofQuality('psnr-to-target', `PSNR to ${target}, dB`, 'psnrToTarget'),
    ofQuality('ssim-to-target', `SSIM to ${target}`, 'ssimToTarget'),
    ofQuality('feature-distance', lower('Feature distance'), 'featureDistance'),
  ];
}

/** Quality against speed-up, a line for each method, for every metric of every group. */
export async function curveFigures(outcome: EvalOutcome): Promise<readonly FigureSection[]> {
  const sections: FigureSection[] = [];
  for (const [i, { name, rows }] of groupsOf(outcome.rows).entries()) {
    const figures: Figure[] = [];
    const uncached = rows.find((row) => !row.uncached);
    const isTimed = rows.some(({ latency }) => latency);
    for (const { name: metric, title, value } of curvesOf(outcome)) {
      const points = rows.flatMap((row): PlotPoint[] => {
        const y = value(row);
        return y === null || !row.uncached ? [] : [{ x: speedUpOf(row), y, series: row.method }];
      });
      if (points.length === 0) continue;
      const level = uncached && value(uncached);
      const content = await linePlot({
        points,
        xTitle: isTimed ? 'measured speed-up' : 'speed-up by MACs',
        yTitle: title,
        level: typeof level === 'number' ? { y: level, label: 'uncached' } : undefined,
      });
      figures.push({ title, content, file: `${i + 1}-${metric}.svg` });
    }
    const text =
      'Each line is a method, each point one of its settings; the dashed level is the uncached run.';
    if (figures.length > 0)
      sections.push({ title: `Quality against speed: ${name}`, text, figures });
  }
  return sections;
}

/** Options of {@link rowFigures}. */
interface RowFiguresOptions extends LongCallOptions {
  readonly finished: FinishedEval;
  /** Images of each row. */
  readonly shown: number;
}

/** For every group: images side by side, what is computed when, and how the error grows along the run. */
export async function rowFigures(options: RowFiguresOptions): Promise<readonly FigureSection[]> {
  const { finished } = options;
  const sections: FigureSection[] = [];
  for (const { name, rows } of groupsOf(finished.outcome.rows)) {
    const grids = await Promise.all(rows.map((row) => gridFigure(options, row)));
    const maps = await Promise.all(
      rows.filter(({ policy }) => policy.kind !== 'none').map((row) => heatMapFigure(options, row)),
    );
    const error = await errorFigure(options, name, rows);
    sections.push(
      { title: `Images: ${name}`, text: 'The same seeds and labels in every row.', figures: grids },
      {
        title: `Schedules: ${name}`,
        text: 'Steps from left to right, blocks from top to bottom; dark is predicted. A dynamic policy shows its mean over all images.',
        figures: maps,
      },
      ...(error ? [error] : []),
    );
  }
  return sections.filter(({ figures }) => figures.length > 0);
}

/** What each branch costs by MACs, and by time where that was measured: figures for the model. */
export async function costFigure({ evaluation, costs }: FinishedEval): Promise<FigureSection> {
  const { spec } = evaluation.pipeline.executor;
  const { branches } = macsCostModel(spec);
  const plot = (values: readonly number[], yTitle: string) => {
    const bars = spec.branches.map((branch: Branch, i) => ({
      group: String(branch.block),
      series: branch.kind,
      value: values[i] as number,
    }));
    return barPlot({ bars, xTitle: 'block', yTitle });
  };
  const macs = branches.map((each) => each / 1e6);
  const counted = await plot(macs, 'million MACs for an image');
  const timed = costs && (await plot(costs.branches, 'ms for a batch'));
  return {
    title: 'What each branch costs',
    text: costs
      ? `Multiply-accumulates of each branch when it is computed, and its time by itself; predicted, one takes ${costs.predict.toFixed(2)} ms, what goes before and after them ${(costs.begin + costs.end).toFixed(2)} ms.`
      : 'Multiply-accumulates of each branch when it is computed.',
    figures: [
      { title: 'Operations', content: counted },
      ...(timed ? [{ title: 'Time', content: timed }] : []),
    ],
  };
}

async function gridFigure(options: RowFiguresOptions, row: EvalRow): Promise<Figure> {
  const { finished, shown, signal } = options;
  const { pipeline, jobs, batchSize } = finished.evaluation;
  const latents: Float32Array[] = [];
  for (const batch of batchesOf(jobs, batchSize)) {
    if (latents.length >= shown) break;
    latents.push(...(await latentsOf(finished.latents, row, batch)));
  }
  const wanted = latents.slice(0, shown);
  const { images } = await decodeImages({ pipeline, latents: wanted, signal });
  return { title: row.name, content: encodePng(imageGrid({ images, columns: images.length })) };
}

async function heatMapFigure({ finished }: RowFiguresOptions, row: FinishedRow): Promise<Figure> {
  const { branches } = finished.evaluation.pipeline.executor.spec;
  const { name: title, computed: scores } = row;
  return { title, content: await heatMapToSvg(heatMapOfScores({ scores, branches, title })) };
}

/**
 * How far the latents of cached runs are from the uncached run's after each step, over one batch. Runs of other timesteps
 * have no latents to be compared with.
 */
async function errorFigure(
  options: RowFiguresOptions,
  name: string,
  rows: readonly FinishedRow[],
): Promise<FigureSection | undefined> {
  const { finished, shown, signal, onProgress } = options;
  const cached = rows.filter(
    (row) => row.policy.kind !== 'none' && hasTimesOf(row, uncachedOf(row)),
  );
  if (!cached[0]) return undefined;
  const uncached = uncachedOf(cached[0]);
  const total = (cached.length + 1) * uncached.plan.steps.length;
  const progress = trackProgress({ onProgress, label: 'errors', total });
  const { pipeline, guidance, jobs: all } = finished.evaluation;
  const jobs = all.slice(0, shown);
  const batch = { pipeline, guidance, jobs, batchSize: jobs.length, signal };
  /** The latents of a batch after each step. */
  const trace = async ({ plan, policy }: EvalRow): Promise<readonly Float32Array[]> => {
    const traced: Float32Array[] = [];
    const onStep = async ({ latent }: { readonly latent: Tensor }) => {
      traced.push(Float32Array.from(await latent.data()));
      progress.add();
    };
    await sampleLatents({ ...batch, plan, cacheMethod: cacheMethodOf(policy), onStep });
    return traced;
  };
  const originals = await trace(uncached);
  const points: PlotPoint[] = [];
  for (const row of cached) {
    const latents = await trace(row);
    for (const [step, latent] of latents.entries()) {
      const y = relativeError(latent, originals[step] as Float32Array);
      if (y > 0) points.push({ x: step, y, series: row.name });
    }
  }
  if (points.length === 0) return undefined;
  const content = await linePlot({
    points,
    xTitle: 'step',
    yTitle: 'relative error of the latent',
    yScale: 'log',
    marked: false,
  });
  return {
    title: `Error along the run: ${name}`,
    text: 'Euclidean distance of the latents from those of the uncached run after each step, over their norm; of cached rows with its timesteps.',
    figures: [{ title: 'Error of the latent', content }],
  };
}

function hasTimesOf({ plan }: EvalRow, { plan: other }: EvalRow): boolean {
  const sameTime = (i: number) => plan.steps[i]?.timestep === other.steps[i]?.timestep;
  return plan.steps.length === other.steps.length && plan.steps.every((_, i) => sameTime(i));
}

function relativeError(values: Float32Array, references: Float32Array): number {
  let squares = 0;
  let norm = 0;
  for (const [i, reference] of references.entries()) {
    squares += ((values[i] as number) - reference) ** 2;
    norm += reference ** 2;
  }
  return Math.sqrt(squares / norm);
}
