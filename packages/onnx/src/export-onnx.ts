import { assertArgument, type Backbone, FileError, UnsupportedError } from '@harmonica/core';
import { traceBackbone } from './backbone-graphs.js';
import { withNamesOf } from './canonical-graph.js';
import { fuseGraph, standardGraph } from './fuse-graph.js';
import type { GraphArray, TracedGraph } from './graph.js';
import { encodeModel, type WeightData } from './onnx-model.js';
import { PROBE_BATCHES, symbolicBatch } from './symbolic-batch.js';
import { readWeight } from './weight-store.js';

interface ExportFileOptions {
  /** Where the model goes; its folder must exist. */
  readonly path: string;
  /**
   * Whether the weights go to a file of their own beside the model, `<path>.data`. Default: only if they have more than
   * 2 GB, which a model file cannot hold.
   */
  readonly externalData?: boolean;
  /**
   * Whether operators of ONNX Runtime itself (`com.microsoft`) may be used. Default true; false gives a model of standard
   * operators for any ONNX engine.
   */
  readonly contributedOperators?: boolean;
}

/** What graph is exported, and where to. */
export interface ExportGraphOptions extends ExportFileOptions {
  /** From `traceFunction`. */
  readonly graph: TracedGraph;
}

/** What of a backbone is exported, and where to. */
export interface ExportBackboneOptions extends ExportFileOptions {
  /** Exported as one model with the inputs `latent`, `time` and `condition.<name>` and the output `output`. */
  readonly backbone: Backbone;
  /** Default: any batch size. */
  readonly batch?: number;
}

/** What was written. */
export interface ExportResult {
  /** The model, and the weights if they are apart. */
  readonly paths: readonly string[];
  readonly sizeBytes: number;
}

/** Protocol buffers hold at most 2 GiB; some of it is left for the graph itself. */
const LARGEST_MODEL = 2 ** 31 - 2 ** 24;

/** Readers map external data into memory page by page. */
const PAGE = 4096;

/**
 * Writes a graph or a backbone as an `.onnx` file with its weights. Inputs and outputs keep their names. Files are written
 * beside their place and moved there when complete. Node only.
 *
 * @throws {@link FileError} if a file cannot be written
 * @throws {@link UnsupportedError} if the backbone cannot be traced, or not for every batch size
 */
export async function exportOnnx(
  options: ExportGraphOptions | ExportBackboneOptions,
): Promise<ExportResult> {
  const { path, externalData, contributedOperators = true } = options;
  assertArgument({ path }, 'a file name', path);
  const prepare = contributedOperators ? fuseGraph : standardGraph;
  const graph = 'graph' in options ? prepare(options.graph) : backboneGraph(options, prepare);
  assertOwnNames(graph);
  const values = await Promise.all(graph.weights.map(({ dataId }) => readWeight(dataId)));
  const total = values.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const apart = externalData ?? total > LARGEST_MODEL;
  const weights = apart ? placed(values, path) : values.map((array) => ({ values: array }));
  const model = encodeModel({ graph, weights });
  const data = apart ? [{ path: `${path}.data`, parts: padded(values) }] : [];
  await writeFiles([...data, { path, parts: [model] }]);
  return {
    paths: [path, ...data.map((file) => file.path)],
    sizeBytes: model.byteLength + (apart ? total : 0),
  };
}

function backboneGraph(
  { backbone, batch }: ExportBackboneOptions,
  prepare: (graph: TracedGraph) => TracedGraph,
): TracedGraph {
  const trace = (size: number): TracedGraph => prepare(traceBackbone(backbone, size));
  if (batch !== undefined) return trace(batch);
  const [small, large] = PROBE_BATCHES.map(trace) as [TracedGraph, TracedGraph];
  const graph = symbolicBatch(small, large);
  if (graph) return withNamesOf(small, graph);
  throw new UnsupportedError({
    feature: 'a backbone whose steps depend on the batch size',
    engine: 'onnx export',
    fix: 'Pass a batch.',
  });
}

/** A model has one name for one value; a traced function may use one for an input and an output. */
function assertOwnNames({ inputs, outputs }: TracedGraph): void {
  const taken = outputs.find(({ name }) => inputs.some((input) => input.name === name));
  const expected = 'outputs that have other names than the inputs';
  assertArgument({ graph: taken?.name }, expected, !taken);
}

/** Where each weight lies in the external data file. */
function placed(values: readonly GraphArray[], path: string): WeightData[] {
  const location = `${path.split(/[\\/]/).at(-1)}.data`;
  let offset = 0;
  return values.map(({ byteLength: length }) => {
    const place = { location, offset, length };
    offset += Math.ceil(length / PAGE) * PAGE;
    return place;
  });
}

function padded(values: readonly GraphArray[]): Uint8Array[] {
  return values.flatMap(({ buffer, byteOffset, byteLength }) => [
    new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength),
    new Uint8Array(Math.ceil(byteLength / PAGE) * PAGE - byteLength),
  ]);
}

interface FileToWrite {
  readonly path: string;
  readonly parts: readonly Uint8Array[];
}

/** Writes all files under other names, then moves them into place; removes what it wrote if that fails. */
async function writeFiles(files: readonly FileToWrite[]): Promise<void> {
  const { open, rename, rm } = await import('node:fs/promises');
  const partial = (path: string): string => `${path}.partial`;
  for (const { path, parts } of files) {
    try {
      const file = await open(partial(path), 'w');
      try {
        for (const part of parts) await file.writeFile(part);
      } finally {
        await file.close();
      }
    } catch (cause) {
      await Promise.all(files.map((other) => rm(partial(other.path), { force: true })));
      throw new FileError({ path, problem: 'cannot be written', fix: reasonOf(cause), cause });
    }
  }
  for (const { path } of files) await rename(partial(path), path);
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
