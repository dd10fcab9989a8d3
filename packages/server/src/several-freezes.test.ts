/** Two servers on one store that have both frozen expiry: one order of an operator, to either of them, ends both freezes. */

import { expect, onTestFinished, test } from 'vitest';
import type { LivenessStatus } from '@rollcall/protocol';
import type { Engine } from './engine/engine.ts';
import { memory } from './engine/memory/memory.ts';
import { newSession, SocketClient } from './frontend/stream/socket-client.case.ts';
import { manualClock } from './manual-clock.case.ts';
import { membersOf } from './registry/kind/member/find.ts';
import { Owners } from './registry/kind/member/owners.ts';
import { sessionKey } from './registry/kind/session/keys.ts';
import { createServer, type Server } from './server.ts';
import { turnsUntil } from './turns-until.case.ts';

const management = 'f0e2a3a0-0000-4000-8000-000000000001';

async function ask<T>({ url }: Server, method: string, path: string, body?: object): Promise<T> {
  const headers = { 'x-consul-token': management, authorization: `Bearer ${management}` };
  const response = await fetch(`${url}${path}`, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${path}: ${response.status} ${text}`);
  return JSON.parse(text) as T;
}

test('one order ends the freezes of both servers, and counts the leases of both', async () => {
  const clock = manualClock();
  const store = memory();
  onTestFinished(() => store.close());
  const engine: Engine = { ...store, exclusive: false, close: () => Promise.resolve() };
  const servers: Server[] = [];
  for (const nodeName of ['s1', 's2']) {
    const server = await createServer({ engine, nodeName, clock, acl: { initialManagement: management } });
    onTestFinished(() => server.close());
    servers.push(server);
  }
  const [one, two] = servers as [Server, Server];
  const settled = async () => {
    for (const { registry } of servers) await registry.barrier();
  };
  await settled();
  expect(membersOf(two.registry.state)).toHaveLength(2);

  // Each server watches half of the leases: if one had them all by chance, the other would have nothing to freeze.
  const owners = new Owners(membersOf(two.registry.state));
  const sessionOf = (name: string) => {
    for (;;) {
      const session = newSession();
      const owner = owners.ownerOf(sessionKey('default', session.id), undefined) ?? '';
      if (owners.member(owner)?.name === name) return session;
    }
  };

  // Twelve hosts with a token each, six connected to each server.
  await ask(one, 'PUT', '/v1/acl/policy', { Name: 'app', Rules: 'service_prefix "app-" { policy = "write" }' });
  const hosts: SocketClient[] = [];
  for (let at = 0; at < 12; at++) {
    const { SecretID } = await ask<{ SecretID: string }>(one, 'PUT', '/v1/acl/token', { Policies: [{ Name: 'app' }] });
    await settled();
    const session = sessionOf(['s1', 's2'][at % 2] as string);
    const client = await SocketClient.greeted((servers[at % 2] as Server).url, { session }, { headers: { authorization: `Bearer ${SecretID}`, 'x-rollcall-node': `host${at}` } });
    onTestFinished(() => client.webSocket.terminate());
    const instances = [at % 3, (at + 1) % 3].flatMap((of) => [0, 1].map((copy) => ({ id: `app-${of}-${copy}`, service: `app-${of}`, port: 80 + copy })));
    expect(await client.ask({ type: 'register', instances })).toMatchObject({ type: 'done' });
    hosts.push(client);
  }
  const lost = hosts.slice(0, 10);
  for (const { webSocket } of lost) webSocket.terminate();
  const liveness = async (server: Server) => (await ask<{ liveness: LivenessStatus }>(server, 'GET', '/rollcall/v1/status')).liveness;
  const critical = async () => new Set((await ask<{ Node: string }[]>(one, 'GET', '/v1/health/state/critical')).map(({ Node }) => Node));
  await turnsUntil(async () => (await critical()).size === lost.length);
  await turnsUntil(async () => (await liveness(one)).frozen && (await liveness(two)).frozen, () => clock.advance(100));
  const held = [await liveness(one), await liveness(two)].map((each) => each.held);
  expect(held).toEqual([5, 5]);

  expect(await ask(two, 'POST', '/rollcall/v1/expiry/override')).toEqual({ expired: 10, missing: [] });
  await turnsUntil(async () => !(await liveness(one)).frozen && !(await liveness(two)).frozen, () => clock.advance(100));
  await turnsUntil(async () => {
    const left = new Set((await Promise.all([0, 1, 2].map((of) => ask<{ Node: string }[]>(one, 'GET', `/v1/catalog/service/app-${of}`)))).flat().map(({ Node }) => Node));
    return left.size === 2 && left.has('host10') && left.has('host11');
  }, () => clock.advance(100));
});
