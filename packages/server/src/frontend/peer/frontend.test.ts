import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { request } from 'undici';
import { WebSocket } from 'ws';
import { findRecord } from '../../registry/kind/record/find.ts';
import { noNamespace } from '../../registry/row.ts';
import { connect, peerPath, type Connected } from '../../cluster/channel/connect.ts';
import { systemClock } from '../../clock.ts';
import { createServer, type Server, type ServerOptions } from '../../server.ts';

const root = randomUUID();
const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

async function start(options: ServerOptions = {}): Promise<Server> {
  const server = await createServer({ followers: true, acl: { initialManagement: root }, ...options });
  closing.push(() => server.close());
  return server;
}

async function follow(server: Server, secret: string, registryId = ''): Promise<Connected> {
  const { signal } = new AbortController();
  const hello = { nodeId: 'other', epoch: 0, version: '0.1.0', registryId };
  const connected = await connect({ url: server.url, secret, hello, methods: () => ({}), clock: systemClock, signal });
  closing.push(() => connected.peer.close('the test is over'));
  return connected;
}

function keyOf({ registry }: Server): string {
  const row = findRecord(registry.state, noNamespace, 'server', 'cluster key');
  return (row?.value as { readonly secret: string } | undefined)?.secret ?? '';
}

async function token(server: Server, rules: string): Promise<string> {
  const put = async (path: string, body: object) => {
    const answer = await request(`${server.url}${path}`, { method: 'PUT', headers: { 'X-Consul-Token': root }, body: JSON.stringify(body) });
    return (await answer.body.json()) as { readonly SecretID: string };
  };
  const name = `p-${randomUUID()}`;
  await put('/v1/acl/policy', { Name: name, Rules: rules });
  return (await put('/v1/acl/token', { Policies: [{ Name: name }] })).SecretID;
}

describe('a node may connect', () => {
  it('with the key of the store, or a token that may rule the operator and access control', async () => {
    const server = await start();
    const both = await token(server, 'operator = "write"\nacl = "write"');
    for (const secret of [keyOf(server), root, both]) {
      const { peer } = await follow(server, secret);
      await peer.call('barrier', Buffer.of());
    }
  });

  it('with nothing while there is no access control, as every caller may do everything', async () => {
    const server = await createServer({ followers: true });
    closing.push(() => server.close());
    await (await follow(server, '')).peer.call('barrier', Buffer.of());
  });
});

describe('a node is refused', () => {
  it('without a token, with a wrong one, and with one that lacks a permission', async () => {
    const server = await start();
    await expect(follow(server, '')).rejects.toMatchObject({ code: 'permission_denied' });
    await expect(follow(server, randomUUID())).rejects.toMatchObject({ code: 'unauthenticated' });
    for (const rules of ['operator = "write"', 'acl = "write"', 'operator = "read"\nacl = "write"']) {
      await expect(follow(server, await token(server, rules)), rules).rejects.toMatchObject({ code: 'permission_denied' });
    }
  });

  it('by a node whose store is its own, with what to do', async () => {
    const server = await start({ followers: false });
    await expect(follow(server, root)).rejects.toMatchObject({ code: 'failed_precondition', message: expect.stringContaining('--followers') as string });
    expect(findRecord(server.registry.state, noNamespace, 'server', 'cluster key')).toBeUndefined();
  });

  it('when it is on another store', async () => {
    const server = await start();
    const { welcome } = await follow(server, root);
    await expect(follow(server, root, randomUUID())).rejects.toMatchObject({ code: 'failed_precondition' });
    await follow(server, root, welcome.registryId);
  });

  it('for a web page of another origin', async () => {
    const server = await start();
    const webSocket = new WebSocket(`${server.url.replace('http', 'ws')}${peerPath}`, { headers: { Authorization: `Bearer ${root}`, Origin: 'https://evil.example' } });
    const status = await new Promise((resolve) => {
      webSocket.on('unexpected-response', (asked, { statusCode }) => {
        asked.destroy();
        resolve(statusCode);
      });
      webSocket.on('error', () => {});
    });
    expect(status).toBe(403);
  });

  it('when it asks by plain HTTP', async () => {
    const server = await start();
    expect((await request(`${server.url}${peerPath}`)).statusCode).toBe(426);
  });
});

describe('a connection ends', () => {
  it('when the token of the node loses a right or is removed', async () => {
    const server = await start();
    const secret = await token(server, 'operator = "write"\nacl = "write"');
    const { ended, peer } = await follow(server, secret);
    await peer.call('barrier', Buffer.of());
    const headers = { 'X-Consul-Token': root };
    const own = await request(`${server.url}/v1/acl/token/self`, { headers: { 'X-Consul-Token': secret } });
    const { AccessorID } = (await own.body.json()) as { readonly AccessorID: string };
    await request(`${server.url}/v1/acl/token/${AccessorID}`, { method: 'DELETE', headers });
    await ended;
    await expect(follow(server, secret)).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  it('when the server closes', async () => {
    const server = await start();
    const { ended } = await follow(server, root);
    await server.close();
    expect(await ended).toContain('closing');
  });
});
