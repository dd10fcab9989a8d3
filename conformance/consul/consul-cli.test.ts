/**
 * Snapshots with Consul's own command line, against a real server of ours: `consul snapshot save`, `inspect` and `restore`.
 * The program is named by ROLLCALL_CONSUL; without it these tests are left out (`vitest.config.ts`).
 */

import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createServer, memory, type Server } from '@rollcall/server';
import { afterAll, beforeAll, expect, test } from 'vitest';

const program = process.env['ROLLCALL_CONSUL'] ?? '';
const run = promisify(execFile);

let server: Server;
let folder: string;
beforeAll(async () => {
  server = await createServer({ engine: memory(), http: { host: '127.0.0.1', port: 0 } });
  folder = await mkdtemp(join(tmpdir(), 'rollcall-consul-cli-'));
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

const consul = (...args: string[]) =>
  run(program, args, { cwd: folder, timeout: 60_000, env: { ...process.env, CONSUL_HTTP_ADDR: server.url } }).then(({ stdout }) => stdout);

test('saves, inspects and restores', async () => {
  await consul('kv', 'put', 'color', 'blue');
  await fetch(`${server.url}/v1/agent/service/register`, {
    method: 'PUT',
    body: '{"Name":"web","Port":80,"Tags":["v1"],"Check":{"TTL":"60s","Status":"passing"}}',
  });
  expect(await consul('snapshot', 'save', 'backup.snap')).toMatch(/^Saved and verified snapshot to index \d+/);
  const inspected = await consul('snapshot', 'inspect', '-kvdetails', 'backup.snap');
  expect(inspected).toMatch(/Register +\d+/);
  expect(inspected).toMatch(/KVS +1/);
  expect(inspected).toMatch(/^ *color +1/m);
  await consul('kv', 'put', 'color', 'red');
  expect(await consul('snapshot', 'restore', 'backup.snap')).toContain('Restored snapshot');
  expect((await consul('kv', 'get', 'color')).trim()).toBe('blue');
  expect(await consul('catalog', 'services')).toContain('web');
});
