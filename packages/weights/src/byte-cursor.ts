import { CheckpointError } from '@harmonica/core';

/** Reads numbers and text one after the other; reading past the end throws {@link CheckpointError}. */
export class ByteCursor {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #path: string;
  #position = 0;

  constructor(options: { path: string; bytes: Uint8Array }) {
    const { path, bytes } = options;
    this.#path = path;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  get position(): number {
    return this.#position;
  }

  /** The next `length` bytes, as a view. */
  take(length: number): Uint8Array {
    const begin = this.#advance(length);
    return this.#bytes.subarray(begin, begin + length);
  }

  uint8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  uint16(): number {
    return this.#view.getUint16(this.#advance(2), true);
  }

  int32(): number {
    return this.#view.getInt32(this.#advance(4), true);
  }

  uint32(): number {
    return this.#view.getUint32(this.#advance(4), true);
  }

  /** An unsigned 64-bit integer; above 2^53 it is rounded, and then larger than any file. */
  uint64(): number {
    return Number(this.#view.getBigUint64(this.#advance(8), true));
  }

  /** Big-endian, as pickles store it. */
  float64(): number {
    return this.#view.getFloat64(this.#advance(8), false);
  }

  /** UTF-8 text of `length` bytes. */
  text(length: number): string {
    const bytes = this.take(length);
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch (cause) {
      const problem = `text that is not UTF-8 at byte ${this.#position - length}`;
      throw new CheckpointError({ path: this.#path, problem, cause });
    }
  }

  /** UTF-8 text up to a line feed, which is skipped. */
  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#position);
    if (end < 0) throw this.#truncated(1);
    const text = this.text(end - this.#position);
    this.#position++;
    return text;
  }

  #advance(length: number): number {
    const begin = this.#position;
    if (length > this.#bytes.length - begin) throw this.#truncated(length);
    this.#position = begin + length;
    return begin;
  }

  #truncated(length: number): CheckpointError {
    const end = this.#bytes.length;
    const problem = `${length} bytes are due at byte ${this.#position}, but ${end} is the end`;
    const fix = 'The file is truncated or damaged; get it again.';
    return new CheckpointError({ path: this.#path, problem, fix });
  }
}
