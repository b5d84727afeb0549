import { describe, expect, it } from 'vitest';
import {
  AbortedError,
  CheckpointError,
  HarmonicaError,
  IncompatibleError,
  InvalidArgumentError,
  throwIfAborted,
} from './errors.js';

describe('errors', () => {
  it('say what, got, expected and what to do', () => {
    const error = new InvalidArgumentError({
      argument: 'steps',
      value: 0,
      expected: 'an integer in [1, 1000]',
      fix: 'Pass at least one step.',
    });
    expect(error.message).toBe(
      'steps is 0; expected an integer in [1, 1000]. Pass at least one step.',
    );
    expect(error).toMatchObject({ code: 'invalid-argument', argument: 'steps', value: 0 });
    expect(error.name).toBe('InvalidArgumentError');
  });

  it('are recognised across copies of the package', () => {
    const foreign = { [Symbol.for('harmonica.error')]: true, code: 'shape' };
    expect(HarmonicaError.isInstance(foreign)).toBe(true);
    expect(HarmonicaError.isInstance(new Error('other'))).toBe(false);
    expect(HarmonicaError.isInstance(new CheckpointError({ path: 'a', problem: 'b' }))).toBe(true);
  });

  it('shorten long values', () => {
    const actual = Array.from({ length: 500 }, (_, i) => i);
    const { message } = new IncompatibleError({ what: 'It', actual, expected: 'less' });
    expect(message.length).toBeLessThan(200);
  });

  it('carry the reason of an abort', () => {
    const controller = new AbortController();
    expect(() => throwIfAborted(controller.signal, 'Work')).not.toThrow();
    controller.abort('enough');
    expect(() => throwIfAborted(controller.signal, 'Work')).toThrowError(AbortedError);
    try {
      throwIfAborted(controller.signal, 'Work');
    } catch (error) {
      expect((error as Error).cause).toBe('enough');
    }
  });
});
