/** What the console shows and does does not depend on the node that it asks: members, drift, and probes that another node owns. */

import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import type { ClusterAnswer, Overview } from '@rollcall/protocol';
import { SocketClient } from './frontend/stream/socket-client.case.ts';
import { OneStore } from './one-store.case.ts';
import type { Server } from './server.ts';

let all: OneStore;
let servers: readonly Server[];

beforeEach(async () => {
  all = await OneStore.with(['s1', 's2', 's3']);
  ({ servers } = all);
});
afterEach(() => all.close());

async function ask<T>({ url }: Server, path: string, body?: object): Promise<T> {
  const response = await fetch(`${url}${path}`, body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${path}: ${response.status} ${text}`);
  return JSON.parse(text) as T;
}

const cluster = (server: Server) => ask<ClusterAnswer>(server, '/rollcall/v1/cluster');

test('every node shows the same members, how far each is behind, and what each watches', async () => {
  for (let at = 0; at < 12; at++) {
    await fetch(`${servers[at % 3]?.url}/v1/agent/service/register`, { method: 'PUT', body: JSON.stringify({ Name: 'web', ID: `web-${at}`, Check: { TTL: '1h', Status: 'passing' } }) });
  }
  for (const [at, server] of servers.entries()) {
    const known = async () => {
      const { members, missing, isShared } = await cluster(server);
      const facts = members.map((member) => member.facts);
      const watched = facts.map((each) => each?.watched ?? 0);
      return { names: members.map(({ name }) => name), own: members.findIndex(({ isOwn }) => isOwn), missing, isShared, ready: facts.every((each) => each?.ready), lag: facts.map((each) => each?.lag.revisions), watched: watched.reduce((sum, each) => sum + each, 0), shared: watched.filter((each) => each > 0).length > 1 };
    };
    // Each deadline has one owner, and the three nodes have them all.
    await expect.poll(known, { timeout: 30_000 }).toEqual({ names: ['s1', 's2', 's3'], own: at, missing: [], isShared: true, ready: true, lag: [0, 0, 0], watched: 12, shared: true });
  }
});

test('a check that another node owns is run now, whichever node is asked', async () => {
  const target = createHttpServer((_request, response) => response.end());
  await new Promise<void>((done) => target.listen(0, '127.0.0.1', done));
  onTestFinished(() => {
    target.closeAllConnections();
    target.close();
  });
  const url = `http://127.0.0.1:${(target.address() as AddressInfo).port}/`;
  await fetch(`${servers[0]?.url}/v1/agent/service/register`, { method: 'PUT', body: JSON.stringify({ Name: 'web', ID: 'web-1', Check: { HTTP: url, Interval: '1h', Status: 'critical' } }) });
  await all.settled();
  const [{ node } = { node: '' }] = await ask<{ node: string }[]>(all.at(0), '/v1/health/service/web').then((all) => (all as unknown as { Node: { Node: string } }[]).map(({ Node }) => ({ node: Node.Node })));
  /** Probes that have ended on any node: one that runs still would be joined when another is asked for. */
  const ended = async () => {
    const pages = await Promise.all(servers.map(async ({ url: at }) => (await fetch(`${at}/metrics`)).text()));
    return [...pages.join('').matchAll(/^rollcall_probes_total\{kind="http",outcome="passing"\} (\d+)$/gm)].reduce((sum, [, count]) => sum + Number(count), 0);
  };
  const statuses: string[] = [];
  for (const server of servers) {
    const before = await ended();
    const { checks } = await ask<{ checks: { status: string }[] }>(server, '/rollcall/v1/actions', { namespace: 'default', action: 'check', instances: [{ service: 'web', node, id: 'web-1' }] });
    statuses.push(checks[0]?.status ?? '');
    await expect.poll(ended, { timeout: 30_000 }).toBeGreaterThan(before);
  }
  expect(statuses.toSorted()).toEqual(['asked', 'asked', 'passing']);
  for (const server of servers) {
    await expect.poll(async () => (await ask<unknown[]>(server, '/v1/health/service/web?passing')).length, { timeout: 30_000 }).toBe(1);
  }
});

test('clients of other nodes that do not use their release are in the overview, counted once', async () => {
  await ask(all.at(0), '/rollcall/v1/config/publish?app=crew&name=app', { content: 'a', format: 'text' });
  await all.settled();
  for (const [at, applied] of [[0, true], [1, false], [2, false], [2, true]] as const) {
    const socket = await SocketClient.greeted(all.at(at).url, { client: `client-${at}` });
    onTestFinished(() => socket.webSocket.terminate());
    await socket.ask({ type: 'watch', views: [{ kind: 'config', name: 'crew/app' }] });
    await socket.ask({ type: 'config-report', name: 'crew/app', release: 1, applied, ...(applied ? {} : { error: `cannot parse at ${at}` }) });
  }
  for (const server of servers) {
    await expect.poll(async () => (await ask<Overview>(server, '/rollcall/v1/overview')).lines, { timeout: 30_000 }).toEqual([
      { kind: 'not-used', app: 'crew', name: 'app', cluster: 'default', clients: 2, of: 4, error: expect.stringContaining('cannot parse at') as string },
    ]);
  }
  // A member that no other node can reach.
  await servers[0]?.registry.submit({ kind: 'member-join', nodeId: 'unreachable', name: 's4', address: 'http://127.0.0.1:9', version: '0.1.0' });
  await expect.poll(async () => (await ask<Overview>(servers[1] as Server, '/rollcall/v1/overview')).missing, { timeout: 30_000 }).toEqual(['s4']);
});
