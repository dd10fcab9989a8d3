/** What a test may rely on: nothing listens at these ports, none is given twice, and the system gives them to no other program. */

import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { freePorts } from './free-ports.mjs';

test('free ports are different, can be listened on, and lie outside of those that the system gives', async () => {
  const ports = [...(await freePorts(20)), ...(await freePorts(20))];
  expect(new Set(ports).size).toBe(40);
  const servers = ports.map((port) => createServer().listen(port, '127.0.0.1'));
  onTestFinished(() => servers.forEach((server) => server.close()));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const any = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void any.close());
  await once(any, 'listening');
  expect((any.address() as AddressInfo).port).toBeGreaterThan(Math.max(...ports));
});
