import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Starts a registry on the loopback interface that is empty of some packages and has all others from another registry.
 *
 * @param {{ folder: string, script: string, upstream: string, names: string[] }} options `folder` takes all that it
 * stores, `script` is verdaccio's, `names` are the packages that are published here alone
 * @returns {Promise<{ url: string, settings: Record<string, string>, stop: () => Promise<void> }>} `settings` are variables of the
 * environment in which npm and pnpm install from it and publish to it
 */
export async function startRegistry({ folder, script, upstream, names }) {
  mkdirSync(folder, { recursive: true });
  const config = join(folder, 'config.yaml'); // JSON is YAML
  writeFileSync(config, JSON.stringify(configuration({ folder, upstream, names }), null, 2));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/`;
  const child = spawn(process.execPath, [script, '--config', config, '--listen', url], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    complaints += text;
  });
  process.on('exit', () => child.kill());
  const stop = async () => {
    if (child.exitCode === null && child.kill()) await once(child, 'exit');
  };
  try {
    if (!(await answers(child, url))) throw new Error(`The registry did not start: ${complaints}`);
    const npmrc = join(folder, 'npmrc');
    const token = `${url.replace('http:', '')}:_authToken=${await createUser(url)}`;
    writeFileSync(npmrc, `${token}\n`);
    return { url, settings: { NPM_CONFIG_REGISTRY: url, NPM_CONFIG_USERCONFIG: npmrc }, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function configuration({ folder, upstream, names }) {
  const own = { access: '$all', publish: '$authenticated' };
  return {
    storage: join(folder, 'storage'),
    auth: { htpasswd: { file: join(folder, 'htpasswd') } },
    uplinks: { upstream: { url: upstream, timeout: '120s', max_fails: 100 } },
    packages: {
      ...Object.fromEntries(names.map((name) => [name, own])),
      '**': { access: '$all', proxy: 'upstream' },
    },
    max_body_size: '1gb',
    web: { enable: false },
    log: { type: 'stdout', level: 'error' },
  };
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** Waits for the first answer of a registry; false if its process ended before. */
async function answers(child, url) {
  while (child.exitCode === null) {
    const response = await fetch(`${url}-/ping`).catch(() => undefined);
    if (response?.ok) return true;
    await sleep(100);
  }
  return false;
}

async function createUser(url) {
  const name = 'reader';
  const response = await fetch(`${url}-/user/org.couchdb.user:${name}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name, password: randomUUID() }),
  });
  if (!response.ok) throw new Error(`The registry made no user: ${await response.text()}`);
  return (await response.json()).token;
}
