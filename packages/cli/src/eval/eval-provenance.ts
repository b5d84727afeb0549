import type { ExtractorIdentity } from '@harmonica/metrics';
import type { EngineRecord } from '../engine-record.js';
import type { DecoderIdentity } from '../model.js';
import type { PreparedEval } from './prepare-eval.js';

/** What all rows of an evaluation come from, besides their plans and policies. Plain JSON; what there is not is null. */
export interface EvalProvenance {
  readonly engine: EngineRecord;
  readonly model: {
    readonly name: string;
    /** `hashFiles` of the transformer. */
    readonly sha256: string;
    readonly architectureSha256: string | null;
    readonly decoder: DecoderIdentity | null;
    readonly promptsSha256: string | null;
  };
  readonly extractor: ExtractorIdentity | null;
  readonly reference: { readonly name: string; readonly sha256: string } | null;
}

/** The provenance of an evaluation. */
export function provenanceOf(prepared: PreparedEval): EvalProvenance {
  const { evaluation, measurement, reference } = prepared;
  const { engine, session } = evaluation;
  const { sha256, architectureSha256, decoder, subjects } = session.model;
  return {
    engine,
    model: {
      name: session.executor.spec.name,
      sha256,
      architectureSha256: architectureSha256 ?? null,
      decoder: decoder ?? null,
      promptsSha256: subjects.sha256 ?? null,
    },
    extractor: measurement.extractor?.extractor.identity ?? null,
    reference: reference ? { name: reference.name, sha256: reference.sha256 } : null,
  };
}
