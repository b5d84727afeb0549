import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { AbortedError, FileError } from '@harmonica/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  COMMIT,
  corrupted,
  cutAfter,
  type HubServer,
  otherRange,
  REPOSITORY,
  redirectTo,
  slowly,
  stallAfter,
  startHubServer,
  status,
  tooMuch,
  withoutRanges,
} from '../__fixtures__/hub-server.js';
import { openHubFolder } from './hub-folder.js';
import {
  DownloadError,
  type DownloadProgress,
  type HubOptions,
  hubSettings,
} from './hub-requests.js';

const WEIGHTS = 'transformer/model.safetensors';
const CONFIG = 'transformer/config.json';
const weights = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 2654435761) >>> 13);
const config = new TextEncoder().encode('{"num_layers": 2}');
const files = {
  [WEIGHTS]: weights,
  [CONFIG]: config,
  'README.md': config,
  empty: new Uint8Array(0),
};
const sha256 = digest(weights);

let cacheFolder: string;
let hub: HubServer;
beforeEach(async () => {
  cacheFolder = await mkdtemp(join(tmpdir(), 'harmonica-hub-'));
  hub = await startHubServer({ files, large: [WEIGHTS] });
});
afterEach(async () => {
  await hub.close();
  await rm(cacheFolder, { recursive: true });
});

async function openFolder(options: HubOptions = {}) {
  const { endpoint } = hub;
  const quick = { retryDelayMs: 1, timeoutMs: 10_000 };
  const settings = await hubSettings({ endpoint, cacheFolder, ...quick, ...options });
  return openHubFolder({ repository: REPOSITORY, settings });
}

/** Downloads one file and returns the SHA-256 of its content, which is quicker to compare. */
async function download(file: string, options?: HubOptions): Promise<string> {
  const [path] = await (await openFolder(options)).locate([file]);
  return digest(await readFile(path as string));
}

const modelFolder = () => join(cacheFolder, 'models--facebook--DiT-test');
const blobs = async () => (await readdir(join(modelFolder(), 'blobs'))).sort();
const downloads = () => hub.requests.filter(({ path }) => path.endsWith(WEIGHTS));
const ranges = () => downloads().map(({ range }) => range);

describe('a hub that behaves', () => {
  it('fills the cache in the layout of the Hugging Face libraries', async () => {
    const folder = await openFolder();
    expect(folder).toMatchObject({ commit: COMMIT, files: Object.keys(files) });
    const paths = await folder.locate([CONFIG, WEIGHTS, 'empty']);
    const snapshot = join(modelFolder(), 'snapshots', COMMIT);
    expect(paths).toEqual([CONFIG, WEIGHTS, 'empty'].map((file) => join(snapshot, file)));
    const contents = await Promise.all(paths.map((path) => readFile(path)));
    expect(contents.map(digest)).toEqual([config, weights, files.empty].map(digest));
    expect(await readFile(join(modelFolder(), 'refs', 'main'), 'utf8')).toBe(COMMIT);
    expect(await readlink(join(snapshot, WEIGHTS))).toBe(`../../../blobs/${sha256}`);
    expect(await blobs()).toEqual([sha256, gitHash(config), gitHash(new Uint8Array(0))].sort());
    expect((await readdir(join(snapshot, 'transformer'))).sort()).toEqual([
      'config.json',
      'model.safetensors',
    ]);
  });

  it('sends every file once', async () => {
    await download(WEIGHTS);
    expect(await download(WEIGHTS)).toBe(sha256);
    expect(ranges()).toEqual([undefined]);
  });

  it('sends equal files once', async () => {
    await (await openFolder()).locate([CONFIG, 'README.md']);
    expect(hub.requests.filter(({ path }) => path.includes('/resolve/'))).toHaveLength(1);
  });

  it('tells how far it has come, over all files wanted', async () => {
    const seen: DownloadProgress[] = [];
    const folder = await openFolder({ onProgress: (progress) => seen.push(progress) });
    await folder.locate([CONFIG, WEIGHTS]);
    const totalBytes = config.length + weights.length;
    expect(seen[0]).toEqual({ file: CONFIG, loadedBytes: 0, totalBytes });
    expect(seen.at(-1)).toEqual({ file: WEIGHTS, loadedBytes: totalBytes, totalBytes });
    const loaded = seen.map(({ loadedBytes }) => loadedBytes);
    expect(loaded).toEqual(loaded.toSorted((a, b) => a - b));
  });

  it('names a file by characters that an address must escape', async () => {
    await hub.close();
    hub = await startHubServer({ files: { 'a b/50% #1?.json': config } });
    expect(await download('a b/50% #1?.json')).toBe(digest(config));
  });

  it('takes a commit as it is', async () => {
    expect(await download(CONFIG, { revision: COMMIT })).toBe(digest(config));
    await expect(readdir(join(modelFolder(), 'refs'))).rejects.toThrow(/ENOENT/);
  });
});

describe('a download that breaks off', () => {
  it('goes on where it ended, within a run', async () => {
    hub.fail(WEIGHTS, cutAfter(100_000), cutAfter(50_000));
    expect(await download(WEIGHTS)).toBe(sha256);
    expect(ranges()).toHaveLength(3);
    expect(ranges()[0]).toBeUndefined();
    const begins = ranges()
      .slice(1)
      .map((range) => Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1]));
    expect(begins[0]).toBeGreaterThan(0);
    expect(begins[1]).toBeGreaterThan(begins[0] as number);
  });

  it('goes on in the next run, and shows no half-written file in between', async () => {
    hub.fail(WEIGHTS, cutAfter(100_000));
    await expect(download(WEIGHTS, { retries: 0 })).rejects.toThrow(DownloadError);
    expect(await blobs()).toEqual([`${sha256}.incomplete`]);
    await expect(lstat(join(modelFolder(), 'snapshots', COMMIT, WEIGHTS))).rejects.toThrow();
    const { size } = await lstat(join(modelFolder(), 'blobs', `${sha256}.incomplete`));
    expect(await download(WEIGHTS)).toBe(sha256);
    expect(ranges()).toEqual([undefined, `bytes=${size}-`]);
    expect(await blobs()).toEqual([sha256]);
  });

  it('goes on after its process was killed', async () => {
    hub.fail(WEIGHTS, stallAfter(100_000));
    const module = new URL('../open-model.ts', import.meta.url).href;
    const options = { endpoint: hub.endpoint, cacheFolder };
    const script = `
      import { openModel } from ${JSON.stringify(module)};
      const onProgress = ({ loadedBytes }) => loadedBytes === 100_000 && process.stdout.write('here');
      const options = { ...${JSON.stringify(options)}, onProgress };
      await (await openModel('${REPOSITORY}/${WEIGHTS}', options)).component().open();`;
    const flags = ['--conditions=@harmonica/source', '--import=tsx', '--input-type=module'];
    const child = spawn(process.execPath, [...flags, '--eval', script]);
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await blobs()).toEqual([`${sha256}.incomplete`]);
    expect(await download(WEIGHTS)).toBe(sha256);
    expect(ranges()).toEqual([undefined, 'bytes=100000-']);
  });

  it('asks for nothing if all had come', async () => {
    await writePartial(weights);
    expect(await download(WEIGHTS)).toBe(sha256);
    expect(ranges()).toEqual([]);
  });

  it('starts again if what had come is wrong', async () => {
    await writePartial(new Uint8Array(1000));
    expect(await download(WEIGHTS)).toBe(sha256);
    expect(ranges()).toEqual(['bytes=1000-', undefined]);
  });

  it('starts again if more had come than there is', async () => {
    await writePartial(new Uint8Array(weights.length + 1));
    expect(await download(WEIGHTS)).toBe(sha256);
    expect(ranges()).toEqual([undefined]);
  });

  it('starts again if the server knows no ranges', async () => {
    await writePartial(weights.subarray(0, 1000));
    hub.fail(WEIGHTS, withoutRanges);
    expect(await download(WEIGHTS)).toBe(sha256);
  });

  it('is given up after so many tries', async () => {
    hub.failAlways(WEIGHTS, cutAfter(0));
    await expect(download(WEIGHTS, { retries: 2 })).rejects.toThrow(/connection/);
    expect(ranges()).toHaveLength(3);
  });

  async function writePartial(bytes: Uint8Array) {
    await mkdir(join(modelFolder(), 'blobs'), { recursive: true });
    await writeFile(join(modelFolder(), 'blobs', `${sha256}.incomplete`), bytes);
  }
});

describe('a hub that misbehaves', () => {
  it('may be slow, so long as something comes', async () => {
    hub.fail(WEIGHTS, slowly({ pieces: 8, pauseMs: 100 }));
    expect(await download(WEIGHTS, { timeoutMs: 500 })).toBe(sha256);
    expect(ranges()).toHaveLength(1);
  });

  it('may not fall silent', async () => {
    hub.fail(WEIGHTS, stallAfter(100_000));
    expect(await download(WEIGHTS, { timeoutMs: 400 })).toBe(sha256);
    expect(ranges()).toHaveLength(2);
    hub.failAlways('/revision/main', () => {});
    const opened = openFolder({ timeoutMs: 50, retries: 1, cacheFolder: join(cacheFolder, 'new') });
    await expect(opened).rejects.toThrow(DownloadError);
  });

  it('is not believed when the hash is wrong', async () => {
    hub.failAlways(WEIGHTS, corrupted);
    const failed = download(WEIGHTS);
    await expect(failed).rejects.toThrow(DownloadError);
    await expect(failed).rejects.toThrow(/its sha256 is [0-9a-f]{64}; expected [0-9a-f]{64}/);
    expect(await blobs()).toEqual([]);
    expect(ranges()).toHaveLength(1);
    hub.failAlways(CONFIG, corrupted);
    await expect(download(CONFIG)).rejects.toThrow(/its git-sha1 is [0-9a-f]{40}; expected/);
    expect(await blobs()).toEqual([]);
  });

  it.each([
    ['another range', otherRange, /sends "bytes 1-/],
    ['too much', tooMuch, /more than the 300000 bytes/],
  ])('is not believed when it sends %s', async (_name, fault, message) => {
    hub.fail(WEIGHTS, cutAfter(100), fault);
    await expect(download(WEIGHTS)).rejects.toThrow(message);
    expect(await download(WEIGHTS)).toBe(sha256);
  });

  it.each([
    [401, /401 \(Invalid token\).*HF_TOKEN/],
    [403, /403.*Ask for access/],
    [404, /404.*Check the name/],
  ])('is asked once when it answers %i', async (code, message) => {
    for (const end of ['/revision/main', WEIGHTS]) {
      hub.failAlways(end, status(code, { 'x-error-message': 'Invalid token' }));
      hub.requests.length = 0;
      const failed = download(WEIGHTS);
      await expect(failed).rejects.toMatchObject({ name: 'DownloadError', status: code });
      await expect(failed).rejects.toThrow(message);
      expect(hub.requests.filter(({ path }) => path.endsWith(end))).toHaveLength(1);
      hub.fail(end);
    }
  });

  it.each([429, 500, 502, 503])('is asked again when it answers %i', async (code) => {
    hub.fail('/revision/main', status(code), status(code));
    hub.fail(`/tree/${COMMIT}`, status(code));
    hub.fail(WEIGHTS, status(code), status(code));
    expect(await download(WEIGHTS)).toBe(sha256);
    hub.failAlways(CONFIG, status(code));
    await expect(download(CONFIG, { retries: 1 })).rejects.toMatchObject({ status: code });
  });

  it('is waited for as long as it says', async () => {
    hub.fail(WEIGHTS, status(429, { 'retry-after': '1' }));
    const start = performance.now();
    expect(await download(WEIGHTS)).toBe(sha256);
    expect(performance.now() - start).toBeGreaterThan(990);
  });

  it('is not waited for longer than five minutes', async () => {
    const later = new Date(Date.now() + 3_600_000).toUTCString();
    hub.failAlways(WEIGHTS, status(503, { 'retry-after': later }));
    await expect(download(WEIGHTS)).rejects.toMatchObject({ status: 503 });
    expect(ranges()).toHaveLength(1);
  });

  it.each([
    ['a path outside', { path: '../../evil' }, /lists a file "..\/..\/evil"/],
    ['a path from the root', { path: '/etc/passwd' }, /lists a file "\/etc/],
    ['a backslash', { path: 'a\\b' }, /lists a file/],
    ['a null character', { path: 'a\0b' }, /lists a file/],
    ['a hash that is a path', { oid: '../../evil', lfs: undefined }, /hash ..\/..\/evil/],
    ['no size', { size: -1 }, /size -1/],
  ])('is not believed when it lists %s', async (_name, change, message) => {
    Object.assign(hub.entries[0] as object, change);
    await expect(openFolder()).rejects.toThrow(message);
  });

  it('is not believed when it lists no files at all', async () => {
    for (const list of ['[null]', '{"error": 1}', '7']) {
      hub.fail(`/tree/${COMMIT}`, ({ response }) => void response.end(list));
      await expect(openFolder()).rejects.toThrow(/the answer is malformed/);
    }
  });

  it('is not believed when it answers with something else', async () => {
    const page = ({ response }: { response: { end(text: string): unknown } }) =>
      void response.end('<html>Sign in to the network</html>');
    hub.failAlways('/revision/main', page);
    await expect(openFolder()).rejects.toThrow(/the answer is malformed/);
    hub.failAlways('/revision/main', ({ response }) => void response.end('{"sha": "main"}'));
    await expect(openFolder()).rejects.toThrow(/is commit "main"/);
  });
});

describe('the token', () => {
  it('goes to the hub with every request', async () => {
    await download(WEIGHTS, { token: 'hf_secret' });
    const sent = new Set(hub.requests.map(({ authorization }) => authorization));
    expect([...sent]).toEqual(['Bearer hf_secret']);
  });

  it('does not go elsewhere on a redirect', async () => {
    const elsewhere = await startHubServer({ files });
    const target = `${elsewhere.endpoint}/${REPOSITORY}/resolve/${COMMIT}/${WEIGHTS}`;
    hub.failAlways(WEIGHTS, redirectTo(target));
    expect(await download(WEIGHTS, { token: 'hf_secret' })).toBe(sha256);
    expect(elsewhere.requests).toEqual([
      { path: expect.stringContaining(WEIGHTS), range: undefined, authorization: undefined },
    ]);
    await elsewhere.close();
  });

  it('does not go elsewhere for the next page of a list', async () => {
    const elsewhere = await startHubServer({ files });
    hub.fail(`/tree/${COMMIT}`, ({ response }) => {
      const next = `${elsewhere.endpoint}/api/models/${REPOSITORY}/tree/${COMMIT}`;
      response.setHeader('link', `<${next}>; rel="next"`);
      response.end('[]');
    });
    await openFolder({ token: 'hf_secret' });
    const sent = elsewhere.requests.map(({ authorization }) => authorization);
    expect(sent).toEqual([undefined, undefined]);
    await elsewhere.close();
  });

  it('stays with a range that is asked for again elsewhere', async () => {
    const elsewhere = await startHubServer({ files });
    const target = `${elsewhere.endpoint}/${REPOSITORY}/resolve/${COMMIT}/${WEIGHTS}`;
    hub.failAlways(WEIGHTS, redirectTo(target));
    elsewhere.fail(WEIGHTS, cutAfter(100_000));
    expect(await download(WEIGHTS, { token: 'hf_secret' })).toBe(sha256);
    const [first, second] = elsewhere.requests;
    expect(first?.range).toBeUndefined();
    expect(second?.range).toMatch(/^bytes=\d+-$/);
    expect(second?.authorization).toBeUndefined();
    await elsewhere.close();
  });
});

describe('a caller who stops', () => {
  it.each(['/revision/main', `/tree/${COMMIT}`, WEIGHTS])('at %s is heard', async (end) => {
    const controller = new AbortController();
    hub.failAlways(end, () => controller.abort());
    const stopped = download(WEIGHTS, { signal: controller.signal, timeoutMs: 60_000 });
    await expect(stopped).rejects.toThrow(AbortedError);
  });

  it('in the middle of a file keeps what has come', async () => {
    const controller = new AbortController();
    hub.fail(WEIGHTS, stallAfter(100_000));
    const onProgress = ({ loadedBytes }: DownloadProgress) => {
      if (loadedBytes === 100_000) controller.abort();
    };
    const stopped = download(WEIGHTS, { signal: controller.signal, onProgress });
    await expect(stopped).rejects.toThrow(AbortedError);
    expect(await download(WEIGHTS)).toBe(sha256);
    expect(ranges()).toEqual([undefined, 'bytes=100000-']);
  });

  it('by throwing when told of progress gets that error', async () => {
    const failure = new RangeError('no more');
    const onProgress = ({ loadedBytes }: DownloadProgress) => {
      if (loadedBytes > 0) throw failure;
    };
    await expect(download(WEIGHTS, { onProgress })).rejects.toBe(failure);
    expect(ranges()).toHaveLength(1);
  });

  it('while a wait lasts is heard', async () => {
    const controller = new AbortController();
    hub.failAlways(WEIGHTS, status(429, { 'retry-after': '100' }));
    setTimeout(() => controller.abort(), 100);
    await expect(download(WEIGHTS, { signal: controller.signal })).rejects.toThrow(AbortedError);
  });
});

describe('a hub that falls silent or does not end', () => {
  /** Garbage collection, as often as it gets. */
  const collecting = async <T>(run: () => Promise<T>): Promise<T> => {
    setFlagsFromString('--expose-gc');
    const timer = setInterval(runInNewContext('gc') as () => void, 20);
    return run().finally(() => clearInterval(timer));
  };
  const given = () => ({ signal: new AbortController().signal, timeoutMs: 400, retries: 0 });

  it.each(['/revision/main', `/tree/${COMMIT}`, WEIGHTS])(
    'is left at %s, whatever is collected',
    async (end) => {
      hub.failAlways(end, () => {});
      const left = collecting(() => download(WEIGHTS, given()));
      await expect(left).rejects.toThrow(DownloadError);
      await expect(left).rejects.toThrow(/nothing came for 400 ms/);
    },
  );

  it('is left when it lists pages without end', async () => {
    hub.failAlways(`/tree/${COMMIT}`, ({ request, response }) => {
      response.setHeader('link', `<${hub.endpoint}${request.url}>; rel="next"`);
      response.end('[]');
    });
    await expect(openFolder()).rejects.toThrow(/answers in more than 1000 pages/);
  });

  it('is left when an answer has no end', async () => {
    hub.failAlways('/revision/main', ({ response }) => {
      const chunk = Buffer.alloc(2 ** 20, ' ');
      const write = () => {
        while (!response.destroyed && response.write(chunk));
      };
      response.on('drain', write);
      write();
    });
    await expect(openFolder({ retries: 0 })).rejects.toThrow(/an answer is over 16777216 bytes/);
  });
});

describe('several downloads at once', () => {
  it('of the same file all give it', async () => {
    hub.fail(WEIGHTS, slowly({ pieces: 5, pauseMs: 10 }), cutAfter(150_000));
    const results = await Promise.all([1, 2, 3].map(() => download(WEIGHTS)));
    expect(results).toEqual([sha256, sha256, sha256]);
    expect(await blobs()).toEqual([sha256]);
  });
});

describe('offline', () => {
  it('gives what the cache has, and asks nobody', async () => {
    await download(CONFIG);
    hub.requests.length = 0;
    const folder = await openFolder({ offline: true });
    expect(folder).toMatchObject({ commit: COMMIT, files: [CONFIG] });
    expect(await download(CONFIG, { offline: true, revision: COMMIT })).toBe(digest(config));
    expect(hub.requests).toEqual([]);
  });

  it('says what the cache has nothing of', async () => {
    const opened = openFolder({ offline: true, revision: 'v2' });
    await expect(opened).rejects.toThrow(FileError);
    await expect(opened).rejects.toThrow(/nothing of facebook\/DiT-test at v2/);
  });

  it.each([
    ['does not answer', async () => hub.close().then(() => startHubServer({ files: {} }))],
    ['is down', async () => hub.failAlways('/revision/main', status(503))],
  ])('is what a hub that %s leaves', async (_name, breakHub) => {
    await download(CONFIG);
    const { endpoint } = hub;
    hub = (await breakHub()) ?? hub;
    const folder = await openFolder({ endpoint });
    expect(folder).toMatchObject({ commit: COMMIT, files: [CONFIG] });
    expect(folder.name).toMatch(/offline/);
  });

  it('is not what a hub that refuses leaves', async () => {
    await download(CONFIG);
    hub.failAlways('/revision/main', status(401));
    await expect(openFolder()).rejects.toMatchObject({ status: 401 });
  });
});

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function gitHash(bytes: Uint8Array): string {
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
}
