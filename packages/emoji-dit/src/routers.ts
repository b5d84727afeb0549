import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { InvalidArgumentError, parseRouterFile, type RouterFile } from '@harmonica/core';
import { ROUTERS_FOLDER, readText } from './emoji-dit-config.js';

/** A trained router that comes with this package. */
export interface ShippedRouter {
  /** Sampler, steps, predictor and speed-up, such as `ddim-20-quadratic-1.6x`. */
  readonly name: string;
  readonly sampler: string;
  readonly steps: number;
  readonly predictor: string;
  /** Nominal speed-up: the part of the MACs that are computed, inverted and rounded. */
  readonly speedUp: number;
  readonly path: string;
}

const NAME = /^([a-z]+)-(\d+)-(hold|linear|quadratic|per-step)-(\d+(?:\.\d+)?)x$/;

/**
 * The routers that come with this package, sorted by steps, predictor and speed-up.
 *
 * @param folder default: this package's own. Files are told by their names, `<sampler>-<steps>-<predictor>-<speed-up>x.json`.
 */
export async function listRouters(folder: string = ROUTERS_FOLDER): Promise<ShippedRouter[]> {
  const files = await readdir(folder).catch(() => []);
  return files
    .flatMap((file) => describe(join(folder, file), file))
    .sort((a, b) => a.steps - b.steps || order(a.predictor, b.predictor) || a.speedUp - b.speedUp);
}

/**
 * Finds a router that comes with this package.
 *
 * @param which its name; or a number of DDIM steps, for the fastest one with a forecasting predictor
 * @param folder default: this package's own
 * @throws {@link InvalidArgumentError} if there is none; lists what there is
 */
export async function findRouter(
  which: number | string,
  folder: string = ROUTERS_FOLDER,
): Promise<ShippedRouter> {
  const routers = await listRouters(folder);
  const found =
    typeof which === 'string'
      ? routers.find(({ name }) => name === which)
      : fastest(routers.filter(({ sampler, steps }) => sampler === 'ddim' && steps === which));
  if (found) return found;
  throw new InvalidArgumentError({
    argument: 'router',
    value: which,
    expected: `one of ${routers.map(({ name }) => name).join(', ') || 'none: no router is shipped'}`,
  });
}

/**
 * Reads a router that comes with this package. Arguments as for {@link findRouter}.
 *
 * @throws {@link InvalidArgumentError} if there is none; lists what there is
 * @throws {@link ConfigError} if its file is damaged
 */
export async function emojiDitRouter(
  which: number | string,
  folder: string = ROUTERS_FOLDER,
): Promise<RouterFile> {
  const { path } = await findRouter(which, folder);
  return parseRouterFile(await readText(path), path);
}

function describe(path: string, file: string): ShippedRouter[] {
  const name = file.endsWith('.json') ? file.slice(0, -'.json'.length) : '';
  const [, sampler, steps, predictor, speedUp] = NAME.exec(name) ?? [];
  if (!sampler) return [];
  return [
    {
      name,
      sampler,
      steps: Number(steps),
      predictor: predictor as ShippedRouter['predictor'],
      speedUp: Number(speedUp),
      path,
    },
  ];
}

/** Forecasting predictors go before `hold`, the paper's own. */
function fastest(routers: readonly ShippedRouter[]): ShippedRouter | undefined {
  const forecasting = routers.filter(({ predictor }) => predictor !== 'hold');
  const candidates = forecasting.length > 0 ? forecasting : routers;
  return candidates.toSorted((a, b) => b.speedUp - a.speedUp)[0];
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
