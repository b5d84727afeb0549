import { library } from '@harmonica/tsup-config';

export default library(['src/index.ts', 'src/node.ts']);
