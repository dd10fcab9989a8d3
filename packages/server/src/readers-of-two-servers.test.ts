/** Two real servers on one store, connected by their channel: each says who reads a configuration through either of them. */

import { expect, onTestFinished, test } from 'vitest';
import { SocketClient } from './frontend/stream/socket-client.case.ts';
import { OneStore } from './one-store.case.ts';
import type { Server } from './server.ts';

async function servers(): Promise<readonly [Server, Server]> {
  const all = await OneStore.with(['s1', 's2']);
  onTestFinished(() => all.close());
  return [all.at(0), all.at(1)];
}

async function ask({ url }: Server, path: string, init: RequestInit = {}): Promise<Record<string, unknown>> {
  const answer = await fetch(`${url}/rollcall/v1/config${path}?app=shop&name=main`, init);
  expect(answer.status).toBe(200);
  return (await answer.json()) as Record<string, unknown>;
}

/** Reads the configuration through a server, and has got its content. */
async function reader({ url }: Server, client: string): Promise<SocketClient> {
  const socket = await SocketClient.greeted(url, { client });
  onTestFinished(() => socket.webSocket.terminate());
  await socket.ask({ type: 'watch', views: [{ kind: 'config', name: 'shop/main' }] });
  await socket.push('shop/main');
  return socket;
}

test('readers of both servers are listed by each, until they leave', async () => {
  const [one, two] = await servers();
  await ask(one, '/publish', { method: 'POST', body: JSON.stringify({ content: 'a=1' }) });
  for (const server of [one, two]) await server.registry.barrier();
  await reader(one, 'left');
  const right = await reader(two, 'right');

  const whoBy = async (server: Server) => {
    const { readers, ...rest } = (await ask(server, '/who')) as { readonly readers: readonly { readonly instance: string; readonly release: number; readonly reader: { readonly node: string } }[] };
    return { ...rest, readers: readers.map(({ instance, release, reader: { node } }) => `${instance} at ${node} gets ${release}`).toSorted() };
  };
  const both = { count: 2, missing: [], readers: ['left at s1 gets 1', 'right at s2 gets 1'] };
  for (const server of [one, two]) expect(await whoBy(server)).toMatchObject(both);

  right.webSocket.terminate();
  await expect.poll(() => whoBy(one)).toMatchObject({ count: 1, missing: [], readers: ['left at s1 gets 1'] });
  await two.close();
  await expect.poll(() => whoBy(one)).toMatchObject({ count: 1, missing: [], readers: ['left at s1 gets 1'] });
});
