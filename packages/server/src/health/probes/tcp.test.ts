/** The TCP probe against real sockets. */

import { createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { listenOnLoopback, resolving, type TargetServer } from './targets.case.ts';
import { tcpProbe } from './tcp.ts';

const open: TargetServer[] = [];
afterEach(async () => {
  for (const target of open.splice(0)) await target.close();
});
async function serve(onSocket: (socket: Socket) => void = (socket) => socket.resume()): Promise<TargetServer> {
  const target = await listenOnLoopback(createServer(onSocket));
  open.push(target);
  return target;
}
const never = new AbortController().signal;

describe('the TCP probe', () => {
  it('passes when a server accepts, and closes without sending', async () => {
    const received: string[] = [];
    let hungUp: () => void = () => {};
    const closed = new Promise<void>((done) => (hungUp = done));
    const { port } = await serve((socket) => {
      socket.on('data', (data) => received.push(data.toString()));
      socket.on('close', hungUp);
    });
    expect(await tcpProbe(resolving().resolve)({ tcp: `127.0.0.1:${port}` }, never)).toEqual({
      status: 'passing',
      output: `TCP connect 127.0.0.1:${port}: Success`,
    });
    await closed;
    expect(received).toEqual([]);
  });

  it('fails when no server accepts', async () => {
    const target = await serve();
    await target.close();
    const asking = tcpProbe(resolving().resolve)({ tcp: `127.0.0.1:${target.port}` }, never);
    await expect(asking).rejects.toThrow('ECONNREFUSED');
  });

  it('connects to the address that the policy checked: the name is resolved once', async () => {
    const target = await serve();
    const { resolve, asked } = resolving(['127.0.0.1'], ['169.254.169.254']);
    const definition = { tcp: `rebind.test:${target.port}` };
    expect(await tcpProbe(resolve)(definition, never)).toMatchObject({ status: 'passing' });
    expect(asked).toEqual(['rebind.test']);
    await expect(tcpProbe(resolve)(definition, never)).rejects.toMatchObject({ code: 'permission_denied' });
    expect(target.connections()).toBe(1);
  });

  it.each(['169.254.169.254:80', '0xa9fea9fe:80', '[fe80::1]:80'])('never connects to %s', async (tcp) => {
    await expect(tcpProbe(resolving().resolve)({ tcp }, never)).rejects.toMatchObject({ code: 'permission_denied' });
  });

  it('tries the next address when the first accepts no connection', async () => {
    const { port } = await serve();
    const { resolve } = resolving(['::1', '127.0.0.1']);
    expect(await tcpProbe(resolve)({ tcp: `both.test:${port}` }, never)).toMatchObject({ status: 'passing' });
  });

  it('is aborted with the signal', async () => {
    const { port } = await serve();
    const abort = new AbortController();
    abort.abort();
    const asking = tcpProbe(resolving().resolve)({ tcp: `127.0.0.1:${port}` }, abort.signal);
    await expect(asking).rejects.toThrow(/abort/i);
  });
});
