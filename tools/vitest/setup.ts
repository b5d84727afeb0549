import { env } from '@tensorflow/tfjs-core';

// Without this the pure JavaScript backend greets every test file with advice to install another one.
env().set('IS_TEST', true);
