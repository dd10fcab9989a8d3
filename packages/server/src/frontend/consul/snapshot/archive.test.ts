/**
 * The file of a snapshot is one that the tools of Consul read: checked here against our strict reader, byte by byte,
 * and GNU tar. Whether the real command line takes it is `conformance/consul/consul-cli.test.ts`.
 */

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { inspectBackup } from '../../../backups.ts';
import { grantor, management } from '../../../security/grantor.case.ts';
import { Consul } from '../consul.case.ts';
import { pack, type Packed, Unpacker } from './msgpack.ts';

let consul: Consul;
beforeEach(async () => (consul = await Consul.start()));
afterEach(() => consul[Symbol.asyncDispose]());

type Fields = Readonly<Record<string, Packed>>;

/** Members in their order; anything that Go's `archive/tar` would stumble over is an error. */
function untar(tar: Buffer): Map<string, Buffer> {
  const members = new Map<string, Buffer>();
  let at = 0;
  while (!tar.subarray(at, at + 512).every((byte) => byte === 0)) {
    const block = tar.subarray(at, at + 512);
    const octal = (from: number, to: number) => {
      const text = block.toString('latin1', from, to);
      expect(text).toMatch(/^[0-7]+\0 ?$/);
      return Number.parseInt(text, 8);
    };
    const sum = block.reduce((total, byte, index) => total + (index >= 148 && index < 156 ? 0x20 : byte), 0);
    expect(octal(148, 156)).toBe(sum);
    expect(block.toString('latin1', 257, 265)).toBe('ustar\x0000');
    expect(block.toString('latin1', 156, 157)).toBe('0');
    expect([octal(100, 108), octal(108, 116), octal(116, 124)]).toEqual([0o600, 0, 0]);
    const size = octal(124, 136);
    octal(136, 148);
    members.set(block.toString('latin1', 0, 100).replace(/\0+$/, ''), tar.subarray(at + 512, at + 512 + size));
    at += 512 + Math.ceil(size / 512) * 512;
  }
  // Two blocks of zeros and no further byte: Consul refuses an archive with more.
  expect(tar.subarray(at)).toEqual(Buffer.alloc(1_024));
  return members;
}

/** The head, and the records with their types. */
function recordsOf(state: Buffer): { head: Fields; records: [number, Fields][] } {
  const unpacker = new Unpacker(state, 0);
  const head = unpacker.value() as Fields;
  const records: [number, Fields][] = [];
  while (unpacker.at < state.length) {
    const type = state[unpacker.at++] as number;
    records.push([type, unpacker.value() as Fields]);
  }
  return { head, records };
}

/** Raw bytes as text, where they are. */
const text = (value: Packed | undefined): unknown => {
  if (value instanceof Uint8Array) return Buffer.from(value).toString();
  if (Array.isArray(value)) return value.map(text);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value as Fields).map(([key, each]) => [key, text(each)]));
};

const saved = async (from: Consul, token = '') => (await from.get('/v1/snapshot', { headers: { 'X-Consul-Token': token } })).bytes;

async function fill(to: Consul): Promise<void> {
  await to.put('/v1/catalog/register', {
    ...{ Node: 'db-1', ID: '11111111-2222-4333-8444-555555555555', Address: '10.0.0.9', NodeMeta: { rack: 'r1' } },
    Service: { ID: 'pg-1', Service: 'pg', Port: 5_432, Tags: ['primary'], Meta: { version: '15' }, Weights: { Passing: 3, Warning: 1 } },
    Checks: [{ CheckID: 'pg', Name: 'pg up', Status: 'passing', ServiceID: 'pg-1', Output: 'fine' }],
  });
  await to.put('/v1/kv/color', 'blue', { headers: {} });
  await to.put('/v1/kv/flagged?flags=18446744073709551615', '');
  const { ID } = (await to.put('/v1/session/create', { Node: 'db-1', Name: 'lock', TTL: '60s', Checks: [] })).json<{ ID: string }>();
  await to.put(`/v1/kv/leader?acquire=${ID}`, 'me');
  await to.ask('POST', '/v1/query', { body: '{"Name":"pgs","Service":{"Service":"pg","OnlyPassing":true},"DNS":{"TTL":"5s"}}' });
}

describe('the archive', () => {
  test('has the three members that Consul expects, with their checksums and sizes', async () => {
    await fill(consul);
    const members = untar(gunzipSync(await saved(consul)));
    expect([...members.keys()]).toEqual(['meta.json', 'state.bin', 'SHA256SUMS']);
    const sum = (name: string) => `${createHash('sha256').update(members.get(name) as Buffer).digest('hex')}  ${name}\n`;
    expect(members.get('SHA256SUMS')?.toString()).toBe(sum('meta.json') + sum('state.bin'));
    const { revision } = consul.server.registry.state;
    const meta = JSON.parse(members.get('meta.json')?.toString() ?? '') as object;
    expect(meta).toEqual({
      ...{ Version: 1, ID: expect.stringMatching(`^1-${revision}-\\d+$`) as unknown, Index: revision, Term: 1, Peers: null },
      Configuration: { Servers: [{ Suffrage: 0, ID: expect.stringMatching(/^[\da-f-]{36}$/) as unknown, Address: expect.stringMatching(/:8300$/) as unknown }] },
      ...{ ConfigurationIndex: 1, Size: members.get('state.bin')?.length },
    });
  });

  test('has the state as records of Consul, nodes before the rows on them', async () => {
    await fill(consul);
    const { head, records } = recordsOf(untar(gunzipSync(await saved(consul))).get('state.bin') as Buffer);
    expect(text(head)).toEqual({ LastIndex: expect.anything() as unknown });
    const of = (type: number) => records.filter(([each]) => each === type).map(([, fields]) => text(fields) as Record<string, unknown>);
    const own = { Datacenter: 'dc1', Node: 'db-1', ID: '11111111-2222-4333-8444-555555555555', Address: '10.0.0.9', NodeMeta: { rack: 'r1' } };
    expect(of(0).filter(({ Node }) => Node === 'db-1')).toMatchObject([
      { ...own, Service: null, Check: null },
      { ...own, Service: { ID: 'pg-1', Service: 'pg', Port: expect.anything() as unknown, Tags: ['primary'], Meta: { version: '15' }, Weights: { Passing: 3, Warning: 1 } }, Check: null },
      { ...own, Service: null, Check: { CheckID: 'pg', Name: 'pg up', Status: 'passing', ServiceID: 'pg-1', ServiceName: 'pg', Output: 'fine' } },
    ]);
    // Within a kind, records come in no particular order.
    const keys = of(2).toSorted((a, b) => String(a['Key']).localeCompare(String(b['Key'])));
    expect(keys.map(({ Key, Value, Flags, LockIndex }) => [Key, Value, Flags, LockIndex])).toEqual([
      ['color', 'blue', 0, 0],
      ['flagged', '', 18_446_744_073_709_551_615n, 0],
      ['leader', 'me', 0, 1],
    ]);
    const [session] = of(3);
    expect(session).toMatchObject({ Name: 'lock', Node: 'db-1', Behavior: 'release', TTL: '60s', LockDelay: 15_000_000_000n });
    expect(keys[2]?.['Session']).toBe(session?.['ID']);
    expect(of(7)).toMatchObject([{ Name: 'pgs', Token: '', Service: { Service: 'pg', OnlyPassing: true }, DNS: { TTL: '5s' } }]);
  });

  test('has no Consul records of a namespace other than default, since a community edition would merge them', async () => {
    await fill(consul);
    const before = recordsOf(untar(gunzipSync(await saved(consul))).get('state.bin') as Buffer);
    await consul.createNamespace('team-a');
    const Service = { ID: 'pg-1', Service: 'azure', Namespace: 'team-a' };
    await consul.put('/v1/catalog/register', { Node: 'db-1', Address: '10.0.0.9', SkipNodeUpdate: true, Service, Check: { Name: 'azure', ServiceID: 'pg-1', Namespace: 'team-a' } });
    await consul.put('/v1/kv/color?ns=team-a', 'azure');
    await consul.put('/v1/session/create?ns=team-a', { Node: 'db-1', Name: 'azure', Checks: [] });
    await consul.ask('POST', '/v1/query?ns=team-a', { body: '{"Name":"pgs","Service":{"Service":"azure"}}' });
    const bytes = await saved(consul);
    const after = recordsOf(untar(gunzipSync(bytes)).get('state.bin') as Buffer);
    // Records of type 31 are the pieces of the backup.
    const ofConsul = ({ records }: typeof before) => records.filter(([type]) => type !== 31).map(([type, fields]) => [type, text(fields)]);
    expect(ofConsul(after)).toEqual(ofConsul(before));
    const kept = await inspectBackup((async function* () { yield bytes; })(), 1e7);
    expect(kept.keys).toContainEqual(expect.objectContaining({ namespace: 'team-a', key: 'color' }));
  });

  test('can be opened by GNU tar and sha256sum', async () => {
    await fill(consul);
    const folder = mkdtempSync(join(tmpdir(), 'rollcall-archive-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'backup.snap'), await saved(consul));
    const listed = execFileSync('tar', ['-tzf', 'backup.snap'], { cwd: folder, encoding: 'utf8' });
    expect(listed).toBe('meta.json\nstate.bin\nSHA256SUMS\n');
    execFileSync('tar', ['-xzf', 'backup.snap'], { cwd: folder });
    expect(execFileSync('sha256sum', ['-c', 'SHA256SUMS'], { cwd: folder, encoding: 'utf8' })).toBe('meta.json: OK\nstate.bin: OK\n');
    const { Size } = JSON.parse(readFileSync(join(folder, 'meta.json'), 'utf8')) as { Size: number };
    expect(statSync(join(folder, 'state.bin')).size).toBe(Size);
  });

  test('is of one revision and complete when it is large and written to meanwhile', async () => {
    for (let n = 0; n < 400; n++) await consul.put(`/v1/kv/k${n}`, 'v'.repeat(2_000));
    const saving = saved(consul);
    for (let n = 0; n < 50; n++) await consul.put(`/v1/kv/k${n}`, 'changed');
    const { records } = recordsOf(untar(gunzipSync(await saving)).get('state.bin') as Buffer);
    expect(records.filter(([type]) => type === 2)).toHaveLength(400);
    expect(records.filter(([type]) => type === 31).length).toBeGreaterThan(0);
  });

  test('has no secrets of tokens, but restores the tokens', async () => {
    await using guarded = await Consul.start({ acl: { initialManagement: management } });
    const grants = grantor(guarded.server.registry);
    const { secret } = await grants.token('key_prefix "" { policy = "read" }');
    await guarded.put('/v1/kv/color', 'blue', { headers: { 'X-Consul-Token': management } });
    const archive = await saved(guarded, management);
    const state = untar(gunzipSync(archive)).get('state.bin') as Buffer;
    expect(state.includes(secret)).toBe(false);
    await using other = await Consul.start({ acl: { initialManagement: management } });
    expect((await other.put('/v1/snapshot', archive, { headers: { 'X-Consul-Token': management } })).status).toBe(200);
    expect((await other.get('/v1/kv/color?raw', { headers: { 'X-Consul-Token': secret } })).text).toBe('blue');
    grants.close();
  });
});

describe('a restore', () => {
  const restore = async (body: Buffer) => {
    const { revision } = consul.server.registry.state;
    const answer = await consul.put('/v1/snapshot', body);
    if (answer.status !== 200) expect(consul.server.registry.state.revision).toBe(revision);
    return [answer.status, answer.text] as const;
  };
  /** A tar of one's own. */
  const tar = (...members: readonly (readonly [string, Buffer])[]) => {
    const folder = mkdtempSync(join(tmpdir(), 'rollcall-archive-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    for (const [name, bytes] of members) writeFileSync(join(folder, name), bytes);
    return gzipSync(execFileSync('tar', ['-c', '--format=ustar', ...members.map(([name]) => name)], { cwd: folder }));
  };
  const sums = (...members: readonly (readonly [string, Buffer])[]) =>
    Buffer.from(members.map(([name, bytes]) => `${createHash('sha256').update(bytes).digest('hex')}  ${name}\n`).join(''));

  test('restores everything, also from an archive that other tools have packed again', async () => {
    await fill(consul);
    const archive = await saved(consul);
    await consul.ask('DELETE', '/v1/kv/?recurse', {});
    await consul.put('/v1/catalog/deregister', { Node: 'db-1' });
    const members = [...untar(gunzipSync(archive))];
    expect(await restore(tar(...members))).toEqual([200, '']);
    expect((await consul.get('/v1/kv/color?raw')).text).toBe('blue');
    expect((await consul.get('/v1/kv/leader')).json()).toMatchObject([{ LockIndex: 1, Session: expect.anything() as unknown }]);
    expect((await consul.get('/v1/health/service/pg')).json()).toHaveLength(1);
    expect((await consul.get('/v1/query/pgs/execute')).json()).toMatchObject({ Service: 'pg' });
  });

  test('of a snapshot works by the path of backups, too, and it can be inspected like a backup', async () => {
    await fill(consul);
    const archive = await saved(consul);
    await consul.put('/v1/kv/color', 'red');
    expect((await consul.put('/rollcall/v1/restore', archive)).status).toBe(200);
    expect((await consul.get('/v1/kv/color?raw')).text).toBe('blue');
    const source = (async function* () {
      await Promise.resolve();
      yield archive;
    })();
    const { kinds, keys } = await inspectBackup(source, 1e8);
    expect(keys.map(({ key }) => key).toSorted()).toEqual(['color', 'flagged', 'leader']);
    expect(kinds).toContainEqual(expect.objectContaining({ kind: 'node', count: 2 }));
  });

  test('of a snapshot of Consul itself is refused with advice', async () => {
    const meta = ['meta.json', Buffer.from('{"Version":1}')] as const;
    const state = ['state.bin', Buffer.concat([pack({ LastIndex: 7 }), Buffer.from([2]), pack({ Key: 'a', Value: Buffer.from('b') })])] as const;
    const body = tar(meta, state, ['SHA256SUMS', sums(meta, state)]);
    expect(await restore(body)).toEqual([400, expect.stringMatching(/^this snapshot cannot be restored: it is a snapshot of Consul itself, .* export its keys/)]);
  });

  test('is refused if a part of the archive is missing, changed or added', async () => {
    await fill(consul);
    const plain = gunzipSync(await saved(consul));
    const [meta, state, list] = [...untar(plain)] as [[string, Buffer], [string, Buffer], [string, Buffer]];
    const flipped = (at: number) => {
      const bytes = Buffer.from(plain);
      bytes[at] = (bytes[at] as number) ^ 1;
      return gzipSync(bytes);
    };
    const inState = plain.indexOf('rollcall-backup') - 200;
    const cases: [Buffer, string][] = [
      [flipped(3), 'it is damaged'],
      [flipped(600), 'the checksum of meta.json does not match'],
      [flipped(inState), 'it is damaged'],
      [flipped(plain.length - 1), 'it is damaged'],
      [gzipSync(plain.subarray(0, plain.length - 512)), 'it is cut short'],
      [gzipSync(plain.subarray(0, 2_000)), 'it is cut short'],
      [tar(meta, state), 'it has no SHA256SUMS'],
      [tar(state, list), 'it has no meta.json'],
      [tar(meta, state, list, ['more', Buffer.from('x')]), 'it has an unexpected member "more"'],
      [tar(meta, ['state.bin', state[1].subarray(0, -1)], list), 'restored: it'],
      [tar(meta, ['state.bin', Buffer.from([0xc1])], list), 'its records cannot be read'],
    ];
    for (const [body, reason] of cases) expect(await restore(body)).toEqual([400, expect.stringContaining(reason)]);
  });
});
