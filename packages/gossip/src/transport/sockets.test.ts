import { connect as connectSocket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { messageBytesMax } from './framed-stream.ts';
import { openSockets } from './sockets.ts';
import type { Receivers, Stream, Transport } from './transport.ts';

async function open(receivers: Partial<Receivers> = {}, ports: readonly number[] = [0]): Promise<Transport> {
  const transport = await openSockets({ host: '127.0.0.1', ports, receivers: { datagram: () => {}, stream: (stream) => stream.close(), ...receivers } });
  onTestFinished(() => transport.close());
  return transport;
}

/** A transport that receives one stream, and the promise of it. */
async function receiver(): Promise<{ readonly transport: Transport; readonly stream: Promise<Stream> }> {
  let received: (stream: Stream) => void = () => {};
  const stream = new Promise<Stream>((resolve) => (received = resolve));
  return { transport: await open({ stream: (each) => received(each) }), stream };
}

it('a datagram arrives with the address of the sender, which listens there', async () => {
  const arrived = new Promise<[unknown, string]>((resolve) => {
    void open({ datagram: (from, bytes) => resolve([from, bytes.toString()]) }).then(async (to) => {
      const from = await open();
      from.send(to.bound, Buffer.from('hello'));
      return from;
    });
  });
  expect(await arrived).toEqual([expect.objectContaining({ host: '127.0.0.1' }), 'hello']);
});

it('a datagram that was sent just before the end arrives', async () => {
  let arrived: (text: string) => void = () => {};
  const text = new Promise<string>((resolve) => (arrived = resolve));
  const to = await open({ datagram: (_from, bytes) => arrived(bytes.toString()) });
  const from = await open();
  from.send(to.bound, Buffer.from('goodbye'));
  await from.close();
  expect(await text).toBe('goodbye');
});

it('messages of a stream arrive whole, in order, of any size', async () => {
  const { transport, stream } = await receiver();
  const sender = await (await open()).connect(transport.bound, 1_000);
  const sizes = [0, 1, 3, 1_000_000, 5];
  for (const size of sizes) sender.send(Buffer.alloc(size, size % 251));
  const arrived = await stream;
  for (const size of sizes) expect((await arrived.receive())?.equals(Buffer.alloc(size, size % 251))).toBe(true);
  sender.close();
  expect(await arrived.receive()).toBeUndefined();
});

it('a stream that announces more than the limit ends, before the rest has arrived', async () => {
  const { transport, stream } = await receiver();
  const socket = connectSocket(transport.bound.port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  const length = Buffer.alloc(4);
  length.writeUInt32BE(messageBytesMax + 1);
  socket.on('error', () => {});
  socket.write(length);
  expect(await (await stream).receive()).toBeUndefined();
});

it('a port that another process has is passed by for the next one, and refused when it is the last', async () => {
  const taken = await open();
  expect((await open({}, [taken.bound.port, 0])).bound.port).not.toBe(taken.bound.port);
  await expect(open({}, [taken.bound.port])).rejects.toThrow(`cannot listen on 127.0.0.1 with TCP and UDP on port ${taken.bound.port}`);
});

it('a connection to a port where no member listens fails', async () => {
  const gone = await open();
  await gone.close();
  await expect((await open()).connect(gone.bound, 1_000)).rejects.toThrow('ECONNREFUSED');
});
