/**
 * Streams that are cut, from real sockets to the registry, on a clock that the test moves. Their holders are distinguished by
 * token: the streams of one token cannot stop expiry for others, and a cut of many tokens still does.
 */

import { afterEach, beforeEach, expect, test } from 'vitest';
import { memory } from '../../engine/memory/memory.ts';
import { manualClock, type ManualClock } from '../../manual-clock.case.ts';
import { createServer, type Server } from '../../server.ts';
import { SocketClient, newSession } from './socket-client.case.ts';

const management = 'f0e2a3a0-0000-4000-8000-000000000001';
const graceMs = 10_000;

let clock: ManualClock;
let server: Server;
let clients: SocketClient[] = [];
beforeEach(async () => {
  clock = manualClock();
  server = await createServer({ engine: memory(), nodeName: 'here', clock, acl: { initialManagement: management } });
});
afterEach(async () => {
  for (const { webSocket } of clients.splice(0)) webSocket.terminate();
  await server.close();
});

async function ask(method: string, path: string, body?: object, token = management) {
  const headers = { 'x-consul-token': token, authorization: `Bearer ${token}` };
  const response = await fetch(`${server.url}${path}`, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  expect(response.status).toBe(200);
  return (await response.json()) as unknown;
}

/** A token that may write these services. @returns its secret, and how self-preservation names it */
async function tokenFor(name: string, prefix: string): Promise<{ secret: string; principal: string }> {
  await ask('PUT', '/v1/acl/policy', { Name: name, Rules: `service_prefix "${prefix}" { policy = "write" }` });
  const token = (await ask('PUT', '/v1/acl/token', { Policies: [{ Name: name }] })) as { SecretID: string; AccessorID: string };
  return { secret: token.SecretID, principal: `token ${token.AccessorID}` };
}

async function stream(secret: string, node: string, services: readonly string[]): Promise<SocketClient> {
  const headers = { authorization: `Bearer ${secret}`, 'x-rollcall-node': node };
  const client = await SocketClient.greeted(server.url, { session: newSession() }, { headers });
  clients.push(client);
  const instances = services.flatMap((service) => [0, 1].map((at) => ({ id: `${service}-${at}`, service, port: 80 + at })));
  expect(await client.ask({ type: 'register', instances })).toMatchObject({ type: 'done' });
  return client;
}

async function pass(ms: number): Promise<void> {
  for (let gone = 0; gone < ms; gone += 100) {
    clock.advance(100);
    for (let turn = 0; turn < 6; turn++) await new Promise((next) => setImmediate(next));
  }
}

const critical = async () =>
  ((await ask('GET', '/v1/health/state/critical')) as { Node: string }[]).map(({ Node }) => Node);

/** Cuts connections without a goodbye, and waits until the registry has noticed. */
async function cut(lost: readonly SocketClient[], nodes: readonly string[]): Promise<void> {
  for (const { webSocket } of lost) webSocket.terminate();
  for (;;) {
    const seen = new Set(await critical());
    if (nodes.every((node) => seen.has(node))) return;
    await new Promise((next) => setImmediate(next));
  }
}

const nodesOf = async (service: string) => {
  const found = (await ask('GET', `/v1/catalog/service/${service}`)) as { Node: string }[];
  return [...new Set(found.map(({ Node }) => Node))].sort();
};
const liveness = async () => ((await ask('GET', '/rollcall/v1/status')) as { liveness: Record<string, unknown> }).liveness;

/** Six hosts with a token each, of three services in turn. */
async function fleet() {
  const hosts = [];
  for (let at = 0; at < 6; at++) {
    const { secret, principal } = await tokenFor(`host${at}`, 'app-');
    const node = `host${at}`;
    hosts.push({ node, principal, client: await stream(secret, node, [`app-${at % 3}`, `app-${(at + 1) % 3}`]) });
  }
  return hosts;
}

test('8 streams of a token for one service that break together freeze expiry for no other: two deaths elsewhere are noticed', async () => {
  const hosts = await fleet();
  const { secret } = await tokenFor('shop', 'shop');
  const own = [];
  // The worst case: each stream has a different node and service name.
  for (let at = 0; at < 8; at++) own.push(await stream(secret, `x${at}`, [`shop${at}`]));
  await cut(own, Array.from({ length: 8 }, (_, at) => `x${at}`));
  await pass(2_000);
  await cut([hosts[0]!.client, hosts[1]!.client], ['host0', 'host1']);
  await pass(graceMs + 1_500);
  expect(await liveness()).toEqual({ frozen: false, held: 0, share: 0 });
  for (let at = 0; at < 8; at++) expect(await nodesOf(`shop${at}`)).toEqual([]);
  const left = new Set([...(await nodesOf('app-0')), ...(await nodesOf('app-1')), ...(await nodesOf('app-2'))]);
  expect([...left].sort()).toEqual(['host2', 'host3', 'host4', 'host5']);
});

test('the loss of five hosts of six freezes expiry, and the status names them with their tokens until an operator decides', async () => {
  const hosts = await fleet();
  const lost = hosts.slice(0, 5);
  await cut(lost.map(({ client }) => client), lost.map(({ node }) => node));
  await pass(graceMs + 1_500);
  const { causes, ...status } = await liveness();
  expect(status).toMatchObject({ frozen: true, held: 5, kinds: { stream: 5 } });
  const { nodes, principals } = causes as Record<string, { name: string; lost: number; of: number; share: number }[]>;
  expect(nodes).toEqual(lost.map(({ node }) => ({ name: node, lost: 1, of: 1, share: 0.2 })));
  expect(principals?.map(({ name }) => name).sort()).toEqual(lost.map(({ principal }) => principal).sort());
  expect(await nodesOf('app-0')).toContain('host0');
  expect(await ask('POST', '/rollcall/v1/expiry/override')).toEqual({ expired: 5, missing: [] });
  await pass(200);
  expect(new Set([...(await nodesOf('app-0')), ...(await nodesOf('app-1')), ...(await nodesOf('app-2'))])).toEqual(new Set(['host5']));
});
