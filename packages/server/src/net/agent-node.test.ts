/** The node of a client; a closed connection has none. */

import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { agentNode, peerAddress } from './agent-node.ts';
import type { Identity } from './frontend.ts';

const identity: Identity = {
  datacenter: 'dc1',
  nodeName: 'here',
  registryId: '22222222-2222-4222-8222-222222222222',
  nodeId: '11111111-1111-4111-8111-111111111111',
  version: '1.2.3',
  address: '10.1.1.1',
  httpPort: 8500,
  httpsPort: 0,
  agentNames: { '10.0.0.9': 'named' },
};

test.each([
  ['127.0.0.1', 'here', '10.1.1.1'],
  ['127.9.9.9', 'here', '10.1.1.1'],
  ['::1', 'here', '10.1.1.1'],
  ['', 'here', '10.1.1.1'],
  ['10.0.0.7', 'ip-10-0-0-7', '10.0.0.7'],
  ['::ffff:10.0.0.7', 'ip-10-0-0-7', '10.0.0.7'],
  ['10.0.0.9', 'named', '10.0.0.9'],
  ['fe80::1%eth0', 'ip-fe80-1', 'fe80::1'],
])('a client at %j is %s at %s', (address, name, nodeAddress) => {
  expect(agentNode(identity, address, undefined)).toEqual({ name, address: nodeAddress });
});

test('a request without an address has no node, with any header', () => {
  expect(() => agentNode(identity, undefined, undefined)).toThrow('the client has disconnected');
  expect(() => agentNode(identity, undefined, 'worker')).toThrow('the client has disconnected');
});

async function accepted(listenOn: object): Promise<{ client: Socket; socket: Socket; close: () => Promise<void> }> {
  const server = createServer().listen(listenOn);
  await once(server, 'listening');
  const address = server.address() as AddressInfo | string;
  const client = typeof address === 'string' ? connect(address) : connect(address.port, '127.0.0.1');
  const [socket] = (await once(server, 'connection')) as [Socket];
  socket.on('error', () => undefined);
  const close = async () => {
    client.destroy();
    socket.destroy();
    server.close();
    await once(server, 'close');
  };
  return { client, socket, close };
}

test('a connection over TCP has an address until it closes', async () => {
  const { client, socket, close } = await accepted({ port: 0, host: '127.0.0.1' });
  expect(peerAddress(socket)).toBe('127.0.0.1');
  client.resetAndDestroy();
  await new Promise((resolve) => void socket.once('close', resolve));
  expect(peerAddress(socket)).toBe(undefined);
  await close();
});

test('one over a Unix socket is local, until it closes', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'rollcall-agent-'));
  const { socket, close } = await accepted({ path: join(dir, 'http.sock') });
  expect(peerAddress(socket)).toBe('');
  socket.destroy();
  expect(peerAddress(socket)).toBe(undefined);
  await close();
  await rm(dir, { recursive: true });
});
