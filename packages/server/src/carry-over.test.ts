/**
 * Stores and backups of format 1 are converted: this server gives the same answers as the server that wrote them.
 * `testdata/format-1/make.mjs` created them.
 */

import { spawn } from 'node:child_process';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { carryOver } from './carry-over.ts';
import { embedded } from './engine/embedded/embedded.ts';
import type { Engine, EngineRecord } from './engine/engine.ts';
import { memory } from './engine/memory/memory.ts';
import { statuses } from './registry/kind/catalog/effective-status.ts';
import { checksOnNode, instancesOfService } from './registry/kind/catalog/find.ts';
import { isFormat1 } from './registry/migration/format-1.ts';
import { createServer, type Server } from './server.ts';

const fixture = fileURLToPath(new URL('testdata/format-1/', import.meta.url));
const management = '00000000-1111-2222-3333-444444444444';

interface Recorded {
  readonly kinds: readonly string[];
  readonly records: number;
  readonly revision: number;
  readonly answers: readonly { readonly path: string; readonly token: string; readonly status: number; readonly body: unknown }[];
}

const recorded = JSON.parse(await readFile(join(fixture, 'answers.json'), 'utf8')) as Recorded;

async function copyOfStore(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'rollcall-carry-over-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  await cp(join(fixture, 'store'), dir, { recursive: true });
  return dir;
}

async function start(engine: Engine | Promise<Engine>): Promise<Server> {
  const server = await createServer({ engine, acl: { initialManagement: management }, nodeName: 'server-1' });
  onTestFinished(() => server.close());
  return server;
}

async function recordsOf(engine: Engine): Promise<EngineRecord[]> {
  const records: EngineRecord[] = [];
  for await (const event of engine.changes({ signal: new AbortController().signal })) {
    if (event.kind !== 'records') break;
    records.push(...event.records);
  }
  return records;
}

/** The conversion raises revisions of changes, and the hashes computed from them; revisions of creation stay. */
function withoutChanges(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutChanges);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([name]) => name !== 'ModifyIndex' && name !== 'Hash');
  return Object.fromEntries(kept.map(([name, each]) => [name, withoutChanges(each)]));
}

async function expectAnswers(server: Server): Promise<void> {
  for (const { path, token, status, body } of recorded.answers) {
    const response = await fetch(server.url + path, { headers: { 'X-Consul-Token': token } });
    const text = await response.text();
    const found: unknown = text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text;
    const shown = withoutChanges(found);
    const wanted = withoutChanges(body);
    expect([path, response.status]).toEqual([path, status]);
    if (typeof wanted === 'object') expect({ path, shown }).toMatchObject({ path, shown: wanted });
    else expect([path, shown]).toEqual([path, wanted]);
  }
}

describe('a store of format 1', () => {
  test('gives the same answers, record for record, and keeps the revision of each creation', async () => {
    const dir = await copyOfStore();
    const server = await start(embedded({ dir }));
    await expectAnswers(server);
    const { state } = server.registry;
    expect(state.revision).toBeGreaterThan(recorded.revision);
    const types = Array.from(state.rows(), ([, row]) => (row.kind === 'record' ? `record ${row.type}` : row.kind));
    const wanted = recorded.kinds.map((kind) => kind.replace('record consul-query', 'query').replace('record consul-coordinate', 'coordinate'));
    expect([...new Set(types)].sort()).toEqual(wanted.sort());
  });

  test('is not converted again at the next start', async () => {
    const dir = await copyOfStore();
    const first = await embedded({ dir });
    expect(await carryOver(first)).toBe(recorded.records);
    const after = await recordsOf(first);
    expect(after.filter(isFormat1)).toEqual([]);
    expect(after).toHaveLength(recorded.records);
    expect(await carryOver(first)).toBe(0);
    await first.close();
    const again = await start(embedded({ dir }));
    await expectAnswers(again);
  });

  test('keeps drains as the status of instances; the next registration ends them', async () => {
    const engine = memory();
    const record = (key: string, row: object) => ({ key, value: Buffer.from(JSON.stringify({ ...row, created: 0, modified: 0 })) });
    const instance = { kind: 'instance', node: 'n', service: 'web', address: '', port: 80, tags: [], meta: {}, weights: { passing: 1, warning: 1 } };
    const check = { kind: 'check', node: 'n', name: 'x', status: 'critical', notes: '', output: '', definition: {} };
    await engine.commit({
      expect: [],
      put: [
        record('check\0n\0drain:a', { ...check, id: 'drain:a', instance: 'a', type: 'drain' }),
        record('check\0n\0drain:b', { ...check, id: 'drain:b', instance: 'b', type: 'none' }),
        record('instance\0n\0a', { ...instance, id: 'a' }),
        record('instance\0n\0b', { ...instance, id: 'b' }),
        record('node\0n', { kind: 'node', name: 'n', id: '', address: '10.0.0.1', meta: {} }),
      ],
      delete: [],
    });
    const { registry } = await start(engine);
    const { state } = registry;
    const status = () => Object.fromEntries(Array.from(instancesOfService(state, 'default', 'web'), (row) => [row.id, [row.status, statuses(state)(row)]]));
    const checks = () => Array.from(checksOnNode(state, 'default', 'n'), ({ id }) => id).sort();
    expect(status()).toEqual({ a: ['draining', 'draining'], b: [undefined, 'critical'] });
    expect(checks()).toEqual(['_rollcall_status:a', 'drain:b']);
    await registry.submit({
      ...{ kind: 'register', namespace: 'default', node: { name: 'n', address: '10.0.0.1' }, nodeMode: 'ensure', checks: [] },
      instances: [{ id: 'a', service: 'web', address: '', port: 80, status: 'up' }],
    });
    expect(status()['a']?.[1]).toBe('passing');
    expect(checks()).toEqual(['drain:b']);
  });

  test('is left unchanged when a record cannot be read', async () => {
    const engine = memory();
    const put = [
      { key: 'node\0a', value: Buffer.from('{"kind":"node","name":"a"}') },
      { key: 'kv\0k', value: Buffer.from('{"kind":"node"}\nv') },
    ];
    await engine.commit({ expect: [], put, delete: [] });
    await expect(carryOver(engine)).rejects.toMatchObject({ code: 'data_loss' });
    expect((await recordsOf(engine)).map(({ key }) => key)).toEqual(['node\0a', 'kv\0k']);
  });

  test('is completely old or completely new after the process is killed at any moment', async () => {
    for (let kill = 0; kill < 8; kill++) {
      const dir = await copyOfStore();
      await killedWhileCarryingOver(dir, kill);
      const engine = await embedded({ dir });
      const records = await recordsOf(engine);
      expect([0, recorded.records]).toContain(records.filter(isFormat1).length);
      await carryOver(engine);
      expect((await recordsOf(engine)).filter((record) => !isFormat1(record))).toHaveLength(recorded.records);
      await engine.close();
      if (kill === 0) await expectAnswers(await start(embedded({ dir })));
    }
  });
});

/** Kills the process between the conversion and some milliseconds after the commit has begun. */
function killedWhileCarryingOver(dir: string, afterMs: number): Promise<void> {
  const script = `
    const { embedded } = await import(${JSON.stringify(new URL('../dist/engine/embedded/embedded.js', import.meta.url).href)});
    const { carryOver } = await import(${JSON.stringify(new URL('../dist/carry-over.js', import.meta.url).href)});
    const engine = await embedded({ dir: ${JSON.stringify(dir)} });
    const commit = (transaction) => { process.stdout.write('begun'); return engine.commit(transaction); };
    await carryOver({ changes: (options) => engine.changes(options), commit });
    process.stdout.write('done');
    setInterval(() => {}, 1_000);
  `;
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    child.stdout.once('data', () => setTimeout(() => child.kill('SIGKILL'), afterMs));
    child.on('error', reject);
    child.on('close', (code, signal) => (signal === 'SIGKILL' ? resolve() : reject(new Error(`ended with ${code}`))));
  });
}

test('a backup of format 1 restores all of its records', async () => {
  const server = await start(memory());
  const response = await fetch(`${server.url}/rollcall/v1/restore`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${management}` },
    body: await readFile(join(fixture, 'backup.gz')),
  });
  expect([response.status, await response.text()]).toEqual([200, expect.any(String)]);
  await expectAnswers(server);
});
