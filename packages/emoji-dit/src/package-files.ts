import { fileURLToPath } from 'node:url';

/** The folder of the weights and `config.json` that come with this package. */
export const WEIGHTS_FOLDER = fileURLToPath(new URL('../weights', import.meta.url));

/** The folder of the routers that come with this package. */
export const ROUTERS_FOLDER = fileURLToPath(new URL('../routers', import.meta.url));
