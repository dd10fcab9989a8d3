/** Actions of operators on instances: what they come to, what they refuse, what takes them back, and what the audit log says. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { ConfigServer, managementToken } from '../../config-server.case.ts';
import { findInstance, instancesOfService } from '../../registry/kind/catalog/find.ts';
import type { InstanceRow } from '../../registry/kind/catalog/rows.ts';

interface Answer {
  readonly applied: number;
  readonly of: number;
  readonly leaves: number;
  readonly returns: number;
  readonly left: number;
  readonly refused: readonly { readonly id: string; readonly code: string; readonly message: string; readonly denial?: { readonly rule: object } }[];
  readonly checks?: readonly { readonly id: string; readonly status: string; readonly output: string }[];
  readonly undo: object | null;
}

let folder: string;
let auditFile: string;
let registry: ConfigServer;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rollcall-actions-'));
  auditFile = join(folder, 'audit.log');
  registry = await ConfigServer.start({ acl: { initialManagement: managementToken }, auditFile });
});
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

async function register(service: string, id: string, more: object = {}): Promise<void> {
  const body = JSON.stringify({ ID: `${service}-${id}`, Name: service, Port: 80, Check: { TTL: '600s', Status: 'passing' }, ...more });
  const { status, text } = await registry.ask('/v1/agent/service/register', { method: 'PUT', body, headers: { 'x-consul-token': managementToken } });
  if (status !== 200) throw new Error(text);
}

const ask = (body: object, token = managementToken) => registry.ask('/rollcall/v1/actions', { method: 'POST', body: JSON.stringify(body), headers: { authorization: `Bearer ${token}` } });

async function act(body: object, token?: string): Promise<Answer> {
  const { status, text } = await ask(body, token);
  if (status !== 200) throw new Error(`${status} ${text}`);
  return JSON.parse(text) as Answer;
}

const some = (service: string, ...ids: string[]) => ids.map((id) => ({ service, id: `${service}-${id}` }));

function rowOf(service: string, id: string): InstanceRow | undefined {
  const [only] = [...instancesOfService(registry.server.registry.state, 'default', service)].filter((row) => row.id === `${service}-${id}`);
  return only;
}

/** Connects a client that watches a service. @returns ends the connection */
async function watch(client: string, service: string): Promise<() => void> {
  const socket = new WebSocket(`${registry.server.url.replace('http', 'ws')}/rollcall/v1/stream`, { headers: { authorization: `Bearer ${managementToken}` } });
  await new Promise((open) => socket.once('open', open));
  socket.send(JSON.stringify({ type: 'hello', id: 1, protocol: 1, client }));
  socket.send(JSON.stringify({ type: 'watch', id: 2, views: [{ kind: 'service', name: service }] }));
  await new Promise<void>((watching) => socket.on('message', (data: Buffer) => data.toString().includes('"watching"') && watching()));
  return () => socket.terminate();
}

test('says how many clients use the service, without pages of the console', async () => {
  await register('used', 'a');
  const stops = [await watch('shop', 'used'), await watch('shop', 'used'), await watch('console', 'used'), await watch('shop', 'unused')];
  expect(await act({ action: 'drain', instances: some('used', 'a'), dryRun: true })).toMatchObject({ clients: 2 });
  for (const stop of stops) stop();
});

describe('draining', () => {
  test('says what it comes to before and after, is audited with its reason, and is taken back', async () => {
    for (const id of ['w1', 'w2', 'w3']) await register('web', id);
    await register('web', 'w4', { Check: { TTL: '600s', Status: 'critical' } });
    const body = { action: 'drain', instances: some('web', 'w1', 'w2', 'w4'), reason: 'kernel update' };
    const numbers = { applied: 3, of: 4, leaves: 2, returns: 0, left: 1, refused: [] };
    expect(await act({ ...body, dryRun: true })).toEqual({ ...numbers, clients: 0, undo: null, dryRun: true });
    expect(rowOf('web', 'w1')?.override).toBeUndefined();
    const done = await act(body);
    expect(done).toMatchObject({ ...numbers, dryRun: false });
    expect(rowOf('web', 'w1')).toMatchObject({ override: 'draining', overridden: { by: 'Initial Management Token', reason: 'kernel update' } });
    // Doing it again changes nothing, so there is nothing to take back.
    expect(await act(body)).toMatchObject({ applied: 3, leaves: 0, left: 1, undo: null });
    expect(await act(done.undo ?? {})).toMatchObject({ applied: 3, returns: 2, left: 3, refused: [] });
    expect(rowOf('web', 'w1')?.override).toBeUndefined();
    await expect.poll(() => readFileSync(auditFile, 'utf8')).toContain('"action":"drain web: web-w1 on server-1, web-w2 on server-1, web-w4 on server-1: kernel update"');
  });

  test('is not taken back for an instance that another operator has changed meanwhile', async () => {
    for (const id of ['a', 'b']) await register('other', id);
    const { undo } = await act({ action: 'drain', instances: some('other', 'a', 'b') });
    await act({ action: 'out_of_service', instances: some('other', 'b') });
    const back = await act(undo ?? {});
    expect(back).toMatchObject({ applied: 1, refused: [{ id: 'other-b', code: 'aborted' }] });
    expect([rowOf('other', 'a')?.override, rowOf('other', 'b')?.override]).toEqual([undefined, 'out_of_service']);
  });

  test('of what was out of service before is taken back to that', async () => {
    await register('before', 'a');
    await act({ action: 'out_of_service', instances: some('before', 'a') });
    const { undo } = await act({ action: 'drain', instances: some('before', 'a') });
    await act(undo ?? {});
    expect(rowOf('before', 'a')?.override).toBe('out_of_service');
  });
});

test('a weight outlives registrations; an instance without weight leaves the traffic', async () => {
  await register('weighed', 'a', { Weights: { Passing: 5, Warning: 1 } });
  await register('weighed', 'b');
  expect(await act({ action: 'weight', weight: 0, instances: some('weighed', 'a'), dryRun: true })).toMatchObject({ of: 2, leaves: 1, left: 1 });
  const { undo } = await act({ action: 'weight', weight: 2, instances: some('weighed', 'a') });
  await register('weighed', 'a', { Weights: { Passing: 6, Warning: 1 }, Tags: ['new'] });
  expect(rowOf('weighed', 'a')).toMatchObject({ weight: 6, weightOverride: 2 });
  const shown = await registry.json<{ Service: { Weights: object } }[]>('/v1/health/service/weighed', { headers: { 'x-consul-token': managementToken } });
  expect(shown.map(({ Service }) => Service.Weights)).toEqual([{ Passing: 2, Warning: 2 }, { Passing: 1, Warning: 1 }]);
  await act(undo ?? {});
  expect(rowOf('weighed', 'a')?.weightOverride).toBeUndefined();
});

describe('deregistering', () => {
  test('cannot be taken back, and is done twice without harm', async () => {
    for (const id of ['a', 'b', 'c']) await register('leaving', id);
    expect(await act({ action: 'deregister', instances: some('leaving', 'a', 'b') })).toMatchObject({ applied: 2, of: 3, leaves: 2, left: 1, undo: null });
    expect(findInstance(registry.server.registry.state, 'default', 'server-1', 'leaving-a')).toBeUndefined();
    expect(await act({ action: 'deregister', instances: some('leaving', 'a', 'c') })).toMatchObject({ applied: 1, refused: [{ id: 'leaving-a', code: 'not_found' }] });
  });
});

describe('checking now', () => {
  test('runs the probes and answers with their results; an instance that reports itself is refused', async () => {
    const target = createTcpServer((socket) => socket.end());
    await new Promise<void>((open) => target.listen(0, '127.0.0.1', open));
    const { port } = target.address() as AddressInfo;
    await register('probed', 'up', { Check: { TCP: `127.0.0.1:${port}`, Interval: '3600s' } });
    await register('probed', 'down', { Check: { TCP: '127.0.0.1:1', Interval: '3600s' } });
    await register('probed', 'own');
    const { applied, checks, refused, undo } = await act({ action: 'check', instances: some('probed', 'up', 'down', 'own') });
    expect([applied, undo]).toEqual([2, null]);
    expect(checks).toMatchObject([{ id: 'probed-up', status: 'passing' }, { id: 'probed-down', status: 'critical' }]);
    expect(refused).toMatchObject([{ id: 'probed-own', code: 'failed_precondition', message: expect.stringContaining('the instance reports them itself') as string }]);
    await new Promise((closed) => target.close(closed));
  });
});

describe('rights', () => {
  test('are those of each service: a caller without any is told the rule, one with some does what it may', async () => {
    await register('mine', 'a');
    await register('yours', 'a');
    const token = await registry.tokenWith('service "mine" { policy = "write" } service "yours" { policy = "read" }');
    const refusal = await ask({ action: 'drain', instances: some('yours', 'a') }, token);
    expect([refusal.status, JSON.parse(refusal.text)]).toMatchObject([403, { code: 'permission_denied', denial: { rule: { text: 'service "yours" { policy = "read" }' } } }]);
    const { applied, refused } = await act({ action: 'drain', instances: [...some('mine', 'a'), ...some('yours', 'a')] }, token);
    expect([applied, refused]).toMatchObject([1, [{ code: 'permission_denied', denial: { rule: { text: 'service "yours" { policy = "read" }' } } }]]);
    expect(rowOf('yours', 'a')?.override).toBeUndefined();
  });

  test('in a namespace that the caller may not see are as in one that does not exist', async () => {
    const token = await registry.tokenWith('service_prefix "" { policy = "write" }');
    const answers = await Promise.all(['hidden', 'none'].map((namespace) => ask({ namespace, action: 'drain', instances: some('web', 'w1') }, token)));
    expect(answers.map(({ status }) => status)).toEqual([403, 403]);
  });
});

test('a thousand instances are done in one request', async () => {
  const instances = Array.from({ length: 1_000 }, (_, n) => ({ id: `i${n}`, service: 'large', port: 80 }));
  await registry.server.registry.submit({ kind: 'register', namespace: 'default', node: { name: 'n', address: '10.0.0.1' }, nodeMode: 'ensure', instances });
  const named = instances.map(({ id, service }) => ({ service, node: 'n', id }));
  const done = await act({ action: 'out_of_service', instances: named });
  expect(done).toMatchObject({ applied: 1_000, of: 1_000, leaves: 1_000, left: 0, refused: [] });
  expect(await act(done.undo ?? {})).toMatchObject({ applied: 1_000, left: 1_000 });
});

test.each([
  ['no JSON', 'x', 'the body is not JSON'],
  ['no object', [], 'the body must be a JSON object'],
  ['an unknown action', { action: 'eat', instances: [{ service: 'web', id: 'a' }] }, 'action must be one of drain, '],
  ['no instances', { action: 'drain', instances: [] }, 'instances must be a list of 1 to 1000'],
  ['too many', { action: 'drain', instances: Array.from({ length: 1_001 }, () => ({ service: 'web', id: 'a' })) }, 'send several requests for more'],
  ['a weight that is none', { action: 'weight', weight: -1, instances: [{ service: 'web', id: 'a' }] }, 'weight must be a number from 0 to 65535'],
  ['a weight for another action', { action: 'drain', weight: 1, instances: [{ service: 'web', id: 'a' }] }, 'give a weight for the action weight'],
  ['an unknown field', { action: 'drain', force: true, instances: [{ service: 'web', id: 'a' }] }, 'the unknown field "force"'],
  ['an instance without id', { action: 'drain', instances: [{ service: 'web' }] }, 'id of an instance'],
  ['a long reason', { action: 'drain', reason: 'x'.repeat(501), instances: [{ service: 'web', id: 'a' }] }, 'reason must be a text of at most 500'],
])('%s is refused: %j', async (_what, body, message) => {
  const { status, text } = await registry.ask('/rollcall/v1/actions', { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body), headers: { authorization: `Bearer ${managementToken}` } });
  expect([status, (JSON.parse(text) as { message: string }).message]).toEqual([400, expect.stringContaining(message)]);
});

test('no body makes it fail', async () => {
  const value = fc.oneof(fc.constantFrom('drain', 'weight', 'restore', 'web', '', null, 1, {}, [], [{}], [{ service: 'web', id: 'w1', to: { override: null, weight: 5 } }]), fc.jsonValue());
  await fc.assert(
    fc.asyncProperty(fc.record({ action: value, instances: value, weight: value, reason: value, dryRun: value }, { requiredKeys: [] }), async (body) => {
      expect((await ask(body)).status).toBeLessThan(500);
    }),
    { numRuns: 200 },
  );
});
