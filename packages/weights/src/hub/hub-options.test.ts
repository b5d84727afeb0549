import { homedir } from 'node:os';
import { InvalidArgumentError } from '@harmonica/core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type HubOptions, hubSettings } from './hub-requests.js';

const VARIABLES = ['HF_ENDPOINT', 'HF_TOKEN', 'HF_HOME', 'HF_HUB_CACHE', 'HF_HUB_OFFLINE'];

beforeEach(() => {
  const others = ['HUGGINGFACE_HUB_CACHE', 'XDG_CACHE_HOME'];
  for (const name of [...VARIABLES, ...others]) vi.stubEnv(name, undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

describe('hubSettings', () => {
  it('has defaults', async () => {
    expect(await hubSettings({})).toEqual({
      revision: 'main',
      endpoint: 'https://huggingface.co',
      token: undefined,
      cacheFolder: `${homedir()}/.cache/huggingface/hub`,
      offline: false,
      retries: 5,
      retryDelayMs: 1000,
      timeoutMs: 30_000,
      onProgress: undefined,
      signal: undefined,
    });
  });

  it('follows the environment', async () => {
    vi.stubEnv('HF_ENDPOINT', 'https://mirror.example/');
    vi.stubEnv('HF_TOKEN', 'hf_x');
    vi.stubEnv('HF_HOME', '/models');
    vi.stubEnv('HF_HUB_OFFLINE', 'True');
    expect(await hubSettings({})).toMatchObject({
      endpoint: 'https://mirror.example',
      token: 'hf_x',
      cacheFolder: '/models/hub',
      offline: true,
    });
    vi.stubEnv('HF_HUB_CACHE', '/cache');
    vi.stubEnv('HF_HUB_OFFLINE', '0');
    expect(await hubSettings({})).toMatchObject({ cacheFolder: '/cache', offline: false });
  });

  it.each([
    ['~/x', `${homedir()}/x/hub`],
    ['~', `${homedir()}/hub`],
    ['$HARMONICA_TEST/x', '/models/x/hub'],
    ['${HARMONICA_TEST}x', '/modelsx/hub'],
    ['$HARMONICA_UNSET/~', '$HARMONICA_UNSET/~/hub'],
    ['~other', '~other/hub'],
  ])('takes HF_HOME %s as huggingface_hub does', async (home, cacheFolder) => {
    vi.stubEnv('HARMONICA_TEST', '/models');
    vi.stubEnv('HF_HOME', home);
    expect(await hubSettings({})).toMatchObject({ cacheFolder });
  });

  it('takes empty variables for none', async () => {
    vi.stubEnv('HF_ENDPOINT', '');
    vi.stubEnv('HF_TOKEN', '');
    expect(await hubSettings({})).toMatchObject({
      endpoint: 'https://huggingface.co',
      token: undefined,
    });
  });

  it('lets options go before the environment', async () => {
    for (const name of VARIABLES) vi.stubEnv(name, '1');
    const options = {
      endpoint: 'http://localhost:1',
      token: 'mine',
      cacheFolder: 'here',
      offline: false,
    };
    expect(await hubSettings(options)).toMatchObject(options);
  });

  it.each<HubOptions>([
    { endpoint: 'huggingface.co' },
    { endpoint: 'ftp://huggingface.co' },
    { revision: '../../main' },
    { revision: '/main' },
    { revision: '' },
    { retries: -1 },
    { retries: 0.5 },
    { timeoutMs: Number.NaN },
    { retryDelayMs: -1 },
  ])('refuses %j', async (options) => {
    const [argument] = Object.keys(options);
    await expect(hubSettings(options)).rejects.toThrow(InvalidArgumentError);
    await expect(hubSettings(options)).rejects.toMatchObject({ argument });
  });
});
