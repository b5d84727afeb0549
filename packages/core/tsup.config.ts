import { library } from '@harmonica/tsup-config';

// The types of @tensorflow/tfjs-core speak of a global Long and do not say where it comes from.
export default library(['src/index.ts', 'src/conformance.ts'], ['long']);
