import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AbortedError } from '@harmonica/core';
import { fileError, flush, hashFile, renameFlushed } from '../files.js';
import { makeFolder, sizeOfFile } from './hub-cache.js';
import type { HubFile } from './hub-repository.js';
import {
  chunksOf,
  createStallGuard,
  DownloadError,
  downloadError,
  type HubFetch,
  type HubSettings,
  isConnectionFailure,
  retrying,
} from './hub-requests.js';

/** What to download, and where to. */
interface BlobDownload {
  readonly address: string;
  readonly file: HubFile;
  /** Where the content appears, whole and checked. */
  readonly blob: string;
  /** Where it is gathered. What an earlier run left there is kept. */
  readonly partial: string;
  readonly hubFetch: HubFetch;
  readonly settings: HubSettings;
  /** Called with the bytes that are here. */
  readonly onBytes: (bytes: number) => void;
}

/** A try that brings so much more does not count as a failure. */
const PROGRESS_BYTES = 2 ** 20;

/**
 * Downloads one file, from where an earlier try ended. Several processes may download the same file at once: all write the
 * same bytes to the same places.
 *
 * @throws {@link DownloadError} if the hub does not give it, or gives other content than it announced
 * @throws {@link FileError} if it cannot be written
 * @throws {@link AbortedError}
 */
export async function downloadBlob(download: BlobDownload): Promise<void> {
  const { address, settings, blob, partial } = download;
  await makeFolder(dirname(blob));
  let most = (await sizeOfFile(partial)) ?? 0;
  let mostBefore = most;
  await retrying({
    ...settings,
    what: `Downloading ${address}`,
    async run() {
      mostBefore = most;
      const onBytes = (bytes: number) => {
        most = Math.max(most, bytes);
        download.onBytes(bytes);
      };
      const resumed = await complete({ ...download, onBytes });
      await admit({ download, resumed });
    },
    gotAhead: () => most - mostBefore >= PROGRESS_BYTES,
  });
}

/** Receives what is missing of the partial file. Returns whether anything was there before. */
async function complete(download: BlobDownload): Promise<boolean> {
  const { file, partial, onBytes } = download;
  const handle = await openPartial(partial);
  try {
    const begin = Math.min((await handle.stat()).size, file.sizeBytes);
    onBytes(begin);
    if (begin < file.sizeBytes) await receive({ download, handle, begin });
    await flush(handle);
    return begin > 0;
  } catch (cause) {
    throw fileError({ path: partial, action: 'written', cause });
  } finally {
    await handle.close();
  }
}

/** Opens without truncating, and without appending: writes go to positions. */
async function openPartial(path: string): Promise<FileHandle> {
  try {
    return await open(path, constants.O_RDWR | constants.O_CREAT, 0o666);
  } catch (cause) {
    throw fileError({ path, action: 'written', cause });
  }
}

async function receive(options: {
  download: BlobDownload;
  handle: FileHandle;
  begin: number;
}): Promise<void> {
  const { download, handle, begin } = options;
  const { address, file, settings, onBytes } = download;
  const guard = createStallGuard(settings);
  try {
    const response = await request({ download, begin, signal: guard.signal });
    let position = startOf({ response, begin, download });
    for await (const chunk of chunksOf(response)) {
      guard.touch();
      if (position + chunk.length > file.sizeBytes) throw tooLong(download);
      await writeAt({ handle, chunk, position });
      position += chunk.length;
      onBytes(position);
    }
    if (position < file.sizeBytes) throw cutOff({ download, position });
  } catch (cause) {
    const { signal } = settings;
    if (signal?.aborted) throw new AbortedError(`Downloading ${address}`, signal.reason);
    throw isConnectionFailure(cause) ? downloadError({ address, cause }) : cause;
  } finally {
    guard.stop();
  }
}

function request(options: {
  download: BlobDownload;
  begin: number;
  signal: AbortSignal;
}): Promise<Response> {
  const { download, begin, signal } = options;
  const headers = new Headers({ 'accept-encoding': 'identity' });
  if (begin > 0) headers.set('range', `bytes=${begin}-`);
  return download.hubFetch(download.address, { headers, signal });
}

/** Where the answer starts: at `begin`, or at 0 if the server knows no ranges. */
function startOf(options: { response: Response; begin: number; download: BlobDownload }): number {
  const { response, begin, download } = options;
  if (response.status !== 206) return 0;
  const range = response.headers.get('content-range') ?? '';
  const expected = `bytes ${begin}-${download.file.sizeBytes - 1}/${download.file.sizeBytes}`;
  if (range === expected) return begin;
  throw contentError(download, `the server sends "${range}"; expected "${expected}"`);
}

async function writeAt(options: {
  handle: FileHandle;
  chunk: Uint8Array;
  position: number;
}): Promise<void> {
  const { handle, chunk, position } = options;
  for (let done = 0; done < chunk.length; ) {
    const { bytesWritten } = await handle.write(chunk, done, chunk.length - done, position + done);
    done += bytesWritten;
  }
}

/** Makes the partial file the blob if its hash is right, and throws it away if not. */
async function admit({ download, resumed }: { download: BlobDownload; resumed: boolean }) {
  const { address, file, partial, blob } = download;
  const expected = file.hash.digest;
  let actual: string;
  try {
    actual = await hashFile({ path: partial, hash: startHash(file) });
    if (actual === expected) return await renameFlushed({ from: partial, to: blob });
  } catch (cause) {
    if ((await sizeOfFile(blob)) === file.sizeBytes) return; // another process was quicker
    throw fileError({ path: partial, action: 'read', cause });
  }
  await rm(partial, { force: true });
  throw new DownloadError({
    path: address,
    problem: `its ${file.hash.algorithm} is ${actual}; expected ${expected}`,
    transient: resumed, // what came earlier may be at fault
    fix: 'The server or something on the way changes files; try another network or HF_ENDPOINT.',
  });
}

/** Git hashes a file after a header with its size. */
function startHash({ hash, sizeBytes }: HubFile) {
  if (hash.algorithm === 'sha256') return createHash('sha256');
  return createHash('sha1').update(`blob ${sizeBytes}\0`);
}

function cutOff({ download, position }: { download: BlobDownload; position: number }) {
  const { address, file } = download;
  return new DownloadError({
    path: address,
    problem: `the connection ends after ${position} of ${file.sizeBytes} bytes`,
    transient: true,
    fix: 'Try again; what has come is kept.',
  });
}

function tooLong(download: BlobDownload): DownloadError {
  return contentError(download, `more than the ${download.file.sizeBytes} bytes announced`);
}

function contentError({ address }: BlobDownload, problem: string): DownloadError {
  return new DownloadError({ path: address, problem, fix: 'Check HF_ENDPOINT.' });
}
