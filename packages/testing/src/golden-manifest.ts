import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** What one tensor of a golden file is. */
export interface GoldenTensorEntry {
  readonly shape: readonly number[];
  readonly dtype: 'f32' | 'f64' | 'i32';
  /** Shape with its letters, and what the numbers are. */
  readonly meaning: string;
  /** max |float32 - float64| / max |float64| of the official code: no float32 code can be expected to be closer. */
  readonly float32Deviation?: number;
}

/** One golden file. */
export interface GoldenEntry {
  readonly file: string;
  readonly description: string;
  /** Steps, guidance and whatever else the case needs to be run again. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** What an implementation in float32 is held to, as max |actual - expected| / max |expected|. */
  readonly tolerance: { readonly relative: number; readonly why: string };
  readonly tensors: Readonly<Record<string, GoldenTensorEntry>>;
}

/** Configuration of the small DiT, under the names of the official constructor's parameters. */
export interface GoldenDitConfig {
  readonly input_size: number;
  readonly patch_size: number;
  readonly in_channels: number;
  readonly hidden_size: number;
  readonly depth: number;
  readonly num_heads: number;
  readonly num_classes: number;
  readonly learn_sigma: boolean;
}

/** What tests read of `goldens/manifest.json`, which also has the provenance of all golden files. */
export interface GoldenManifest {
  readonly weights: { readonly file: string; readonly config: GoldenDitConfig };
  readonly routers: { readonly file: string };
  readonly goldens: Readonly<Record<string, GoldenEntry>>;
}

/** Absolute path of a file in the goldens folder, such as `routers.pt`. */
export function goldenPath(file: string): string {
  return fileURLToPath(new URL(`../goldens/${file}`, import.meta.url));
}

/** Reads the manifest of the golden files. */
export function loadGoldenManifest(): GoldenManifest {
  return JSON.parse(readFileSync(goldenPath('manifest.json'), 'utf8')) as GoldenManifest;
}
