import type { Address, NativeApi } from './native-api.js';

/** Calls of ONNX Runtime's C API that say how they went. @internal */
export class NativeCalls {
  readonly #functions: NativeApi['functions'];

  constructor({ functions }: Pick<NativeApi, 'functions'>) {
    this.#functions = functions;
  }

  /** What a function writes to the address that it is given. @throws as {@link check} */
  made(make: (out: BigUint64Array) => unknown): Address {
    const out = new BigUint64Array(1);
    this.check(make(out));
    return out[0] as Address;
  }

  /** @throws with the words of ONNX Runtime unless all went well */
  check(status: unknown): void {
    const message = this.message(status);
    if (message !== undefined) throw new Error(message);
  }

  /** What a status says, undefined if all went well. Frees it. */
  message(status: unknown): string | undefined {
    if (!status) return undefined;
    const message = this.#functions.getErrorMessage(status) as string;
    this.#functions.releaseStatus(status);
    return message;
  }
}
