/** Names, without their ends, under which diffusers and transformers save weights. */
const STEMS = ['diffusion_pytorch_model', 'model', 'pytorch_model'];

/** Ends of weight files, the preferred first. */
const SUFFIXES = ['.safetensors', '.pth', '.pt', '.ckpt', '.bin'];

/** Whether a file holds weights, by its name. */
export function isWeightFile(file: string): boolean {
  return SUFFIXES.some((suffix) => file.endsWith(suffix));
}

/**
 * The file of a folder that holds the weights, or the index of several: by the names that diffusers and transformers use,
 * safetensors first; else the only file of the preferred kind that is there.
 *
 * @param options.files names in the folder
 * @param options.variant such as `fp16`, as it stands in the name; none by default
 * @returns undefined if there is none, or no telling which
 */
export function findWeights(options: {
  files: readonly string[];
  variant?: string | undefined;
}): string | undefined {
  const { files, variant } = options;
  const known = new Set(files);
  return customaryNames(variant).find((name) => known.has(name)) ?? onlyWeights(options);
}

/** Shards have an index, in whose name the variant stands at another place. */
function customaryNames(variant: string | undefined): string[] {
  const mark = variant === undefined ? '' : `.${variant}`;
  return ['.safetensors', '.bin'].flatMap((suffix) =>
    STEMS.flatMap((stem) => [`${stem}${suffix}.index${mark}.json`, `${stem}${mark}${suffix}`]),
  );
}

function onlyWeights(options: {
  files: readonly string[];
  variant?: string | undefined;
}): string | undefined {
  const { files, variant } = options;
  if (variant !== undefined) return undefined;
  for (const suffix of SUFFIXES) {
    const [first, ...others] = files.filter((file) => file.endsWith(suffix));
    if (first !== undefined) return others.length === 0 ? first : undefined;
  }
  return undefined;
}
