// `npm test`: installs, builds, checks and runs every test; the last line is 'N passed, N failed'.
import { runWithTools, setUp } from './setup.mjs';

setUp();
process.exit(runWithTools('node', ['tools/verify.mjs']));
