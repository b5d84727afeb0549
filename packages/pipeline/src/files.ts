import { access, constants, mkdir, open, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FileError, type PixelImage } from '@harmonica/core';
import { decodePng } from '@harmonica/pictures';
import { writeFileAtomic } from '@harmonica/weights';

/**
 * Makes a folder, and its parents, if need be, and checks that files can be made in it. Called before any long work.
 *
 * @throws {@link FileError}
 */
export async function prepareFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
    await access(path, constants.W_OK | constants.X_OK);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new FileError({
      path,
      problem: `no files can be written there (${reason})`,
      fix: 'Choose a folder that can be written to.',
      cause,
    });
  }
}

/** {@link prepareFolder} for the folder that a file will be in. */
export function prepareFolderOf(path: string): Promise<void> {
  return prepareFolder(dirname(path));
}

/**
 * Writes a file that appears complete or not at all.
 *
 * @throws {@link FileError}
 */
export function writeOutput(path: string, content: string | Uint8Array): Promise<void> {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  return writeFileAtomic({ path, chunks: [bytes] });
}

/**
 * The bytes of a file.
 *
 * @param fix what to do if there are none. Default `Check the path.`
 * @throws {@link FileError} that says why it cannot be read
 */
export async function readBytes(path: string, fix?: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw unreadable(path, cause, fix);
  }
}

/** {@link readBytes} as text. */
export async function readText(path: string, fix?: string): Promise<string> {
  return Buffer.from(await readBytes(path, fix)).toString('utf8');
}

/** A file or folder that Node or a decoder could not read. */
export function unreadable(path: string, cause: unknown, fix = 'Check the path.'): FileError {
  const problem = `cannot be read (${cause instanceof Error ? cause.message : String(cause)})`;
  return new FileError({ path, problem, fix, cause });
}

/** Whether there is a file of this name. */
export async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

/** {@link decodePng} of what is in a file. @throws {@link FileError} if it is not a picture */
export function decodePngOf(path: string, file: Uint8Array): ReturnType<typeof decodePng> {
  try {
    return decodePng(file);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const problem = `is not a PNG image (${reason})`;
    throw new FileError({ path, problem, fix: 'Repair it or take it away.', cause });
  }
}

/** Where the header chunk of every PNG file has its numbers, after the signature. */
const HEADER = { bytes: 24, name: 12, width: 16, height: 20 };

/**
 * Height and width of a PNG file, of its first bytes alone.
 *
 * @throws {@link FileError} if it is not one, or cannot be read
 */
export async function readPngSize(path: string): Promise<Pick<PixelImage, 'height' | 'width'>> {
  const file = await open(path).catch((cause) => {
    throw unreadable(path, cause);
  });
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEADER.bytes), 0, HEADER.bytes, 0);
    if (
      bytesRead < HEADER.bytes ||
      buffer.toString('latin1', HEADER.name, HEADER.width) !== 'IHDR'
    ) {
      const fix = 'Give a file that a picture program reads.';
      throw new FileError({ path, problem: 'is not a PNG file', fix });
    }
    return { width: buffer.readUInt32BE(HEADER.width), height: buffer.readUInt32BE(HEADER.height) };
  } finally {
    await file.close();
  }
}

/** Most characters of a name in a file's name. */
const MAX_NAME = 80;

/**
 * A name that comes from a file, such as that of a class, as part of a file's name: what is not a letter, a digit, `_`, `.` or
 * `-` becomes `-`, there are no dots in front, and it is cut at 80 characters. `none` if nothing is left.
 */
export function fileNameOf(name: string): string {
  const safe = name
    .replaceAll(/[^\p{L}\p{N}_.-]+/gu, '-')
    .replace(/^[.-]+/, '')
    .slice(0, MAX_NAME);
  return safe === '' ? 'none' : safe;
}
