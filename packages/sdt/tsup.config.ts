import { library } from '@harmonica/tsup-config';

export default library();
