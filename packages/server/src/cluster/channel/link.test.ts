import { afterEach, describe, expect, it } from 'vitest';
import { RegistryError } from '@rollcall/protocol';
import { freePort } from '../../../../../conformance/free-ports.mjs';
import { systemClock } from '../../clock.ts';
import { memory } from '../../engine/memory/memory.ts';
import { createServer, type Server, type ServerOptions } from '../../server.ts';
import { Link, type LinkChange, type LinkOptions } from './link.ts';
import { Peers, type NodeAddress, type PeersOptions } from './peers.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

async function primary(options: ServerOptions = {}): Promise<Server> {
  const server = await createServer({ followers: true, ...options });
  closing.push(() => server.close());
  return server;
}

function link(url: string, options: Partial<LinkOptions> = {}) {
  const changes: LinkChange[] = [];
  const hello = () => ({ nodeId: 'other', epoch: 0, version: '0.1.0', registryId: '' });
  const made = new Link({ url, secret: () => '', hello, clock: systemClock, random: () => 0, onChange: (change) => changes.push(change), ...options });
  closing.push(() => made.close());
  return { link: made, changes };
}

const failure = (promise: Promise<unknown>) => promise.then(() => undefined, (error: unknown) => error as RegistryError);

describe('a link', () => {
  it('knows the identity of the other node, and carries requests', async () => {
    const server = await primary();
    const { link: one } = link(server.url);
    const welcome = await one.open();
    expect(welcome).toMatchObject({ version: '0.1.0', epoch: 1, operations: 8_192, bytes: 8_388_608 });
    expect(await one.call('barrier', Buffer.of())).toHaveLength(1);
  });

  it('connects again when the other node comes back, and reports this', async () => {
    const engine = { ...memory(), close: () => Promise.resolve() };
    const port = await freePort();
    const first = await primary({ engine, http: { port } });
    const { link: one, changes } = link(first.url);
    await one.open();
    await first.close();
    await expect.poll(() => changes.at(-1)?.kind).toBe('lost');
    expect(await failure(one.call('barrier', Buffer.of()))).toMatchObject({ code: 'unavailable' });
    await primary({ engine, http: { port } });
    await one.connected(new AbortController().signal);
    await one.call('barrier', Buffer.of());
    expect(changes.filter(({ kind }) => kind === 'open')).toHaveLength(2);
  });

  it('fails to open with the reason', async () => {
    const server = await primary();
    await server.close();
    expect(await failure(link(server.url).link.open())).toMatchObject({ code: 'unavailable', message: expect.stringContaining('ECONNREFUSED') as string });
  });

  it('keeps trying in the background, and ends when it is closed', async () => {
    const server = await primary();
    await server.close();
    const { link: one, changes } = link(server.url);
    one.start();
    await expect.poll(() => changes.length).toBeGreaterThan(2);
    const waiting = one.connected(new AbortController().signal);
    await one.close();
    await waiting;
  });
});

function peersOfOne(options: Partial<PeersOptions> = {}): Peers {
  const peers = new Peers({
    ...{ secret: () => '', clock: systemClock, random: () => 0, methods: () => ({}), assertAllowed: () => {}, onRefused: () => {} },
    hello: () => ({ nodeId: 'one', epoch: 1, version: '0.1.0', registryId: '' }),
    ...options,
  });
  closing.push(() => peers.close());
  return peers;
}

const batch = { epoch: 1, beats: [] };

describe('the nodes that a node is connected to', () => {
  it('are asked over the connection that they made, and otherwise over one to them', async () => {
    const server = await primary();
    const peers = peersOfOne();
    const to = { nodeId: 'two', address: server.url };
    // It waits for the connection that it opens.
    expect(await peers.deliver(to, batch)).toEqual([]);
    peers.keep(new Set(['two']));
    expect(peers.linked).toBe(1);
    peers.keep(new Set(['three']));
    expect(peers.linked).toBe(0);
    expect(await peers.deliver(to, batch)).toEqual([]);
    expect(await failure(peers.deliver({ nodeId: 'three', address: 'http://127.0.0.1:1' }, batch))).toMatchObject({ code: 'unavailable' });
  });

  it('are not connected at an address that is not allowed, which is reported once until it changes or its node is gone', async () => {
    const server = await primary();
    const refused: NodeAddress[] = [];
    const peers = peersOfOne({
      assertAllowed: (url) => {
        if (url !== server.url) throw new RegistryError('failed_precondition', `refusing ${url}`);
      },
      onRefused: (to) => refused.push(to),
    });
    const deliver = (address: string) => failure(peers.deliver({ nodeId: 'two', address }, batch));
    for (const host of ['10.0.0.7', '10.0.0.7', '10.0.0.8']) {
      expect(await deliver(`http://${host}`)).toMatchObject({ code: 'failed_precondition', message: `refusing http://${host}` });
    }
    expect(refused).toEqual(['10.0.0.7', '10.0.0.8'].map((host) => ({ nodeId: 'two', address: `http://${host}` })));
    expect(peers.linked).toBe(0);
    peers.keep(new Set());
    await deliver('http://10.0.0.8');
    expect(refused).toHaveLength(3);
    expect(await deliver(server.url)).toBeUndefined();
  });
});
