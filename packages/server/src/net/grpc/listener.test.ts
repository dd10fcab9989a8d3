/** The gRPC listener that front ends share, with front ends of the test: calls of each kind, errors, TLS, limits, and its end. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, credentials, Metadata, status, type ChannelCredentials } from '@grpc/grpc-js';
import { RegistryError } from '@rollcall/protocol';
import { describe, expect, onTestFinished, test } from 'vitest';
import { frontendTable, type FrontendTable } from '../../frontends.ts';
import { startServer, type Server, type ServerOptions } from '../../server.ts';
import { TestAuthority } from '../certificates.case.ts';
import type { Frontend } from '../frontend.ts';
import { sharedGrpc } from './listener.ts';
import type { GrpcMethod } from './method.ts';
import { refusal } from './status.ts';

const same = (bytes: Buffer) => bytes;
const tooOld = new RegistryError('failed_precondition', 'the message is too old');

/** A front end with methods of the kinds. Its first unary call answers with the message and a header. */
const methods: readonly GrpcMethod[] = [
  { kind: 'unary', path: '/test.Echo/Once', call: async ({ address }, request, header) => Buffer.from(`${address} ${header('x-name')} ${request.toString()}`) },
  {
    kind: 'unary',
    path: '/test.Echo/Refuse',
    async call() {
      throw tooOld;
    },
  },
  {
    kind: 'server',
    path: '/test.Echo/Twice',
    call(_link, stream) {
      stream.write(stream.request);
      stream.write(stream.request);
      stream.end();
    },
  },
  {
    kind: 'bidi',
    path: '/test.Echo/Each',
    call(_link, stream) {
      stream.on('data', (bytes: Buffer) => (bytes.toString() === 'refuse' ? stream.emit('error', refusal(tooOld)) : stream.write(bytes)));
      stream.on('end', () => stream.end());
      stream.on('error', () => {});
    },
  },
];

const other: GrpcMethod = { kind: 'unary', path: '/test.Other/Once', call: async () => Buffer.from('other') };

function frontend(name: string, served: readonly GrpcMethod[] | undefined): Frontend {
  return { name, ...(served === undefined ? {} : { grpc: async () => served }), close: async () => {} };
}

const table: FrontendTable = {
  stream: frontendTable.stream,
  echo: { make: () => frontend('echo', methods) },
  other: { make: () => frontend('other', [other]) },
};

async function start(options: ServerOptions = {}, served = table): Promise<Server> {
  const server = await startServer({ grpc: {}, ...options }, served);
  onTestFinished(() => server.close());
  return server;
}

function dial({ ports }: Server, channel: ChannelCredentials = credentials.createInsecure()): Client {
  const client = new Client(`localhost:${ports.grpc}`, channel, { 'grpc.use_local_subchannel_pool': 1, 'grpc.enable_retries': 0 });
  onTestFinished(() => client.close());
  return client;
}

function once(client: Client, path: string, message: string | Buffer, metadata = new Metadata()): Promise<string> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, same, same, Buffer.from(message), metadata, (error, answer) => (error === null ? resolve((answer as Buffer).toString()) : reject(error)));
  });
}

test('front ends share one listener, and each gets the calls of its own methods', async () => {
  const client = dial(await start());
  const metadata = new Metadata();
  metadata.set('X-Name', 'ada');
  expect(await once(client, '/test.Echo/Once', 'hi', metadata)).toBe('127.0.0.1 ada hi');
  expect(await once(client, '/test.Other/Once', 'hi')).toBe('other');
  await expect(once(client, '/test.Echo/Missing', '')).rejects.toMatchObject({ code: status.UNIMPLEMENTED });
});

describe('errors', () => {
  test('the error of a unary call is its status', async () => {
    await expect(once(dial(await start()), '/test.Echo/Refuse', '')).rejects.toMatchObject({ code: status.FAILED_PRECONDITION, details: tooOld.message });
  });

  test('a stream ends with the error that its handler emits', async () => {
    const stream = dial(await start()).makeBidiStreamRequest('/test.Echo/Each', same, same);
    const said: string[] = [];
    stream.on('data', (bytes: Buffer) => said.push(bytes.toString()));
    const ended = new Promise((resolve) => stream.on('error', resolve));
    stream.write(Buffer.from('one'));
    stream.write(Buffer.from('refuse'));
    expect(await ended).toMatchObject({ code: status.FAILED_PRECONDITION, details: tooOld.message });
    expect(said).toEqual(['one']);
  });

  test('a message beyond the limit ends its call only', async () => {
    const client = dial(await start());
    await expect(once(client, '/test.Echo/Once', Buffer.alloc(sharedGrpc.messageBytesMax + 1))).rejects.toMatchObject({ code: status.RESOURCE_EXHAUSTED });
    expect(await once(client, '/test.Other/Once', '')).toBe('other');
  });
});

test('a server stream sends its messages and ends', async () => {
  const stream = dial(await start()).makeServerStreamRequest('/test.Echo/Twice', same, same, Buffer.from('x'));
  const said: string[] = [];
  for await (const bytes of stream) said.push(String(bytes));
  expect(said).toEqual(['x', 'x']);
});

test('over TLS, clients check the certificate', async () => {
  const authority = new TestAuthority();
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-grpc-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const tls = { certFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem') };
  const { cert, key } = authority.issue();
  writeFileSync(tls.certFile, cert);
  writeFileSync(tls.keyFile, key);
  const server = await start({ grpc: { tls } });
  expect(await once(dial(server, credentials.createSsl(Buffer.from(authority.cert))), '/test.Other/Once', '')).toBe('other');
  await expect(once(dial(server, credentials.createSsl(Buffer.from(new TestAuthority().cert))), '/test.Other/Once', '')).rejects.toMatchObject({ code: status.UNAVAILABLE });
});

describe('where it listens', () => {
  test('without front ends with gRPC methods, an address for it is an error', async () => {
    await expect(startServer({ grpc: {} }, { stream: frontendTable.stream })).rejects.toMatchObject({ code: 'invalid_argument', message: expect.stringContaining('none of the chosen front ends') as string });
  });

  test('without an address, nothing is loaded or served', async () => {
    const served: FrontendTable = { ...table, lazy: { make: () => ({ ...frontend('lazy', undefined), grpc: () => Promise.reject(new Error('it was loaded')) }) } };
    const server = await startServer({}, served);
    onTestFinished(() => server.close());
    expect(server.ports.grpc).toBeUndefined();
  });

  test('beyond loopback it needs access control and TLS, as HTTP does', async () => {
    await expect(startServer({ grpc: { host: '0.0.0.0' } }, table)).rejects.toMatchObject({ code: 'failed_precondition' });
  });

  test('an address that another program has stops the start, unless the listener is optional', async () => {
    const first = await start();
    const port = first.ports.grpc as number;
    await expect(startServer({ grpc: { port } }, table)).rejects.toMatchObject({ code: 'failed_precondition', message: expect.stringContaining(`cannot serve gRPC on 127.0.0.1:${port}`) as string });
    expect((await start({ grpc: { port, optional: true } })).ports.grpc).toBeUndefined();
  });
});

test('the end of the server ends calls that are under way', async () => {
  const server = await startServer({ grpc: {} }, table);
  const stream = dial(server).makeBidiStreamRequest('/test.Echo/Each', same, same);
  const ended = new Promise((resolve) => stream.on('error', resolve));
  stream.on('data', () => {});
  await new Promise((heard) => {
    stream.once('data', heard);
    stream.write(Buffer.from('one'));
  });
  await server.close();
  expect(await ended).toMatchObject({ code: expect.any(Number) as number });
});
