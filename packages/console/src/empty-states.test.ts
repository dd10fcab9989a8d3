/**
 * Pages without content say how to get some. Each command that they show is read in a browser and played against the server that shows it; and each source
 * with a command is one of those whose page is read here.
 */

import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { createServer as createHttpServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import { ConsoleBrowser, noBrowser } from './browser.case.ts';

const sources = fileURLToPath(new URL('.', import.meta.url));
const root = join(sources, '../../..');
const management = 'a-management-token';

/** What a page shows that can be typed in: shell, and programs for Node. */
const typed = /^(?:rollcall|curl|printf|echo|const rollcall =|connect\()/;

/** Pages, the sources of what they show, and how many commands that are. */
const shown = [
  ['', 'parts/first-steps.tsx', 3],
  ['config', 'pages/config/welcome.tsx', 2],
  ['flags', 'pages/flags/page.tsx', 1],
  ['keys', 'pages/keys/page.tsx', 1],
  ['locks', 'pages/locks/page.tsx', 2],
  ['nodes', 'pages/nodes/page.tsx', 1],
  ['services/billing', 'pages/service/page.tsx', 1],
  ['topology', 'pages/topology/page.tsx', 1],
  ['clients', 'pages/clients/page.tsx', 1],
  ['access', 'pages/access/page.tsx', 2],
  ['cluster', 'pages/cluster/page.tsx', 1],
] as const;

test('each source that shows a command is one whose commands are played', () => {
  const command = />(?:rollcall [a-z]+|curl) [^<]|\{`(?:[^`]*(?:\\n|\b))?(?:rollcall [a-z]+|curl) |>const rollcall =|>connect\(/;
  const files = readdirSync(sources, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.tsx'));
  const found = files.filter((file) => command.test(readFileSync(join(sources, file), 'utf8'))).map((file) => relative(sources, join(sources, file)));
  expect(found.sort()).toEqual([...shown.map(([, file]) => file as string), 'parts/sign-in.tsx'].sort());
});

/** The secret of a token that may read services, and nothing else. */
async function readerOfServices(url: string): Promise<string> {
  const write = async (path: string, body: object): Promise<{ readonly SecretID: string }> => {
    const answer = await fetch(`${url}${path}`, { method: 'PUT', headers: { 'x-consul-token': management }, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(await answer.text());
    return answer.json() as Promise<{ readonly SecretID: string }>;
  };
  await write('/v1/acl/policy', { Name: 'readers', Rules: 'service_prefix "" { policy = "read" }' });
  return (await write('/v1/acl/token', { Policies: [{ Name: 'readers' }] })).SecretID;
}

async function signIn(page: Page, token: string): Promise<void> {
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByLabel('Token', { exact: true }).fill(token);
  await page.getByRole('dialog').getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
}

describe.skipIf(noBrowser !== '')(`the commands of empty pages${noBrowser}`, () => {
  let open: ConsoleBrowser;
  let guarded: ConsoleBrowser;
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-empty-'));
  const texts = new Map<string, readonly string[]>();
  beforeAll(async () => {
    executable('rollcall', `exec '${process.execPath}' '${join(root, 'packages/cli/bin/rollcall.mjs')}' "$@"`);
    // The programs of the reader.
    executable('server', 'exec tail -f /dev/null');
    executable('migrate.sh', 'test -n "$ROLLCALL_LOCK_TOKEN"');
    [open, guarded] = await Promise.all([ConsoleBrowser.start(), ConsoleBrowser.start({ acl: { initialManagement: management } })]);
    const tabs = { open: await open.open(''), guarded: await guarded.open('services') };
    await signIn(tabs.guarded, await readerOfServices(guarded.server.url));
    // All are read before the first is played, which ends an empty state.
    for (const [path] of shown) {
      // The server is a node, and the console a client: only a caller who may read services alone sees neither.
      const [on, page] = path === 'nodes' || path === 'clients' ? [guarded, tabs.guarded] : [open, tabs.open];
      await on.goTo(page, path);
      await page.locator('main[aria-busy=false]').waitFor();
      await page.locator('main :is(pre, code)').first().waitFor().catch(async (error: unknown) => { throw new Error(`/ui/${path} shows no command: ${await page.locator('main').innerText()}`, { cause: error }); });
      const found = (await page.locator('main :is(pre, code)').allTextContents()).filter((text) => typed.test(text));
      texts.set(path, found.map((text) => text.replaceAll(new URL(on.server.url).host, new URL(open.server.url).host)));
    }
  });
  afterAll(async () => {
    await Promise.all([open, guarded].map((each) => each[Symbol.asyncDispose]()));
    rmSync(folder, { recursive: true, force: true });
  });

  function executable(name: string, line: string): void {
    writeFileSync(join(folder, name), `#!/bin/sh\n${line}\n`);
    chmodSync(join(folder, name), 0o755);
  }

  const play = (text: string, env: Readonly<Record<string, string>> = {}): Running =>
    // curl says with -f whether it was refused.
    new Running('bash', ['-ec', text.replaceAll(/\bcurl /g, 'curl -sSf ')], { cwd: folder, env: { ...process.env, PATH: `${folder}:${process.env['PATH'] ?? ''}`, ROLLCALL_WORKERS: '0', NO_COLOR: '1', ...env } });
  const completes = async (text: string, env?: Readonly<Record<string, string>>): Promise<string> => {
    const { code, output } = await play(text, env).ended;
    expect(`${code} ${text}\n${output}`).toMatch(/^0 /);
    return output;
  };

  test.each(shown)('/ui/%s shows the commands of %s: %d', (path, _file, count) => {
    expect(texts.get(path)).toHaveLength(count);
  });

  test('publish configurations and flags, and show one', async () => {
    const [publishYaml = '', resolve = ''] = texts.get('config') ?? [];
    await completes(publishYaml);
    expect(JSON.parse(await completes(resolve))).toMatchObject({ merged: { format: 'yaml', content: 'timeoutMs: 500\n' } });
    await completes(texts.get('')?.[2] ?? '');
    await completes(texts.get('flags')?.[0] ?? '');
    const flags = (await (await fetch(`${open.server.url}/ofrep/shop/features.flags.json/ofrep/v1/evaluate/flags/new-checkout`, { method: 'POST', body: '{"context": {"targetingKey": "u"}}', headers: { 'content-type': 'application/json' } })).json()) as object;
    expect(flags).toMatchObject({ key: 'new-checkout', reason: 'SPLIT' });
  });

  test('write a key, lead and lock', async () => {
    await completes(texts.get('keys')?.[0] ?? '');
    expect(await (await fetch(`${open.server.url}/v1/kv/app/greeting?raw`)).text()).toBe('hello');
    const [lead = '', lock = ''] = texts.get('locks') ?? [];
    await completes(lead.replace('sleep 600', 'sleep 0'));
    await completes(lock);
  });

  test.each([['', 'web'], ['nodes', 'web'], ['services/billing', 'billing']])('run an instance: /ui/%s', async (path, service) => {
    await using running = play(texts.get(path)?.[0] ?? '');
    await Promise.race([registered(service), running.ended.then(({ output }) => { throw new Error(`it ended: ${output}`); })]);
  });

  /** Resolves when an instance is registered. */
  async function registered(service: string): Promise<void> {
    for (let index = '0'; ; ) {
      const answer = await fetch(`${open.server.url}/v1/catalog/service/${service}?wait=60s&index=${index}`);
      if (((await answer.json()) as readonly object[]).length > 0) return;
      index = answer.headers.get('x-consul-index') ?? '1';
    }
  }

  test('register an instance by the API of Consul', async () => {
    await completes(texts.get('')?.[1] ?? '');
    await registered('web');
  });

  test('connect a client, and send a request', async () => {
    const orders = createHttpServer((_request, response) => response.end('ok')).listen(0, '127.0.0.1');
    await new Promise((listening) => orders.once('listening', listening));
    await open.register('orders', 'orders-1', { port: (orders.address() as AddressInfo).port });
    const [fetches = ''] = texts.get('topology') ?? [];
    const [connects = ''] = texts.get('clients') ?? [];
    for (const program of [fetches, `await (await ${connects}).close();`]) {
      const node = new Running(process.execPath, ['--input-type=module', '-e', `import { connect } from '@rollcall/client';\n${program}\nprocess.exit(0);`], { cwd: root, env: process.env });
      expect(await node.ended).toEqual({ code: 0, output: '' });
    }
    orders.close();
    orders.closeAllConnections();
  });

  test('start a server with access control, make its first token and one that may read', async () => {
    const [serve = '', bootstrap = ''] = texts.get('access') ?? [];
    const port = String(await freePort());
    await using server = play(serve, { ROLLCALL_HTTP: `127.0.0.1:${port}` });
    await server.seen(/listening|serving/i);
    const secret = (await completes(bootstrap.replace(new URL(open.server.url).host, `127.0.0.1:${port}`))).match(/[0-9a-f-]{36}(?![\s\S]*[0-9a-f]{8}-)/)?.[0];
    expect(secret).toBeDefined();
    const signedOut = await guarded.open('services');
    await signedOut.getByRole('button', { name: 'Sign in' }).click();
    const create = (await signedOut.getByRole('dialog').locator('code').allTextContents()).filter((text) => typed.test(text));
    expect(create).toHaveLength(1);
    const { server: { url } } = guarded;
    await completes(create[0] ?? '', { ROLLCALL_HTTP_ADDR: new URL(url).host, ROLLCALL_TOKEN: management });
  });

  test('start a server that others follow', async () => {
    await using server = play(texts.get('cluster')?.[0] ?? '', { ROLLCALL_HTTP: `127.0.0.1:${await freePort()}` });
    await server.seen(/listening|serving/i);
  });
});

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

/** A program with all that it starts, which ends with the test. */
class Running implements AsyncDisposable {
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcess;
  readonly #told = new Set<() => void>();
  #output = '';

  constructor(program: string, args: readonly string[], options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv }) {
    // A group of its own, so that its programs end with it.
    this.#child = spawn(program, args, { ...options, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (bytes: Buffer) => {
        this.#output += String(bytes);
        for (const tell of this.#told) tell();
      });
    }
    this.ended = new Promise((resolve) => this.#child.once('close', (code) => resolve({ code, output: this.#output })));
  }

  /** Rejects when it ends without it. */
  async seen(pattern: RegExp): Promise<void> {
    await Promise.race([
      new Promise<void>((resolve) => {
        const look = () => pattern.test(this.#output) && resolve();
        this.#told.add(look);
        look();
      }),
      this.ended.then(({ output }) => { throw new Error(`it ended: ${output}`); }),
    ]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { pid, exitCode, signalCode } = this.#child;
    if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, 'SIGTERM');
    await this.ended;
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise((listening) => probe.once('listening', listening));
  const { port } = probe.address() as AddressInfo;
  await new Promise((closed) => probe.close(closed));
  return port;
}
