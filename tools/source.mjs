// Runs a TypeScript source of the checkout, and installs what is missing before.
import { run, setUp } from './setup.mjs';

setUp();
const flags = ['--conditions=@harmonica/source', '--import=tsx'];
process.exit(run('node', [...flags, ...process.argv.slice(2)]));
