import * as grpc from '@grpc/grpc-js';
import { afterEach, beforeAll, expect, it } from 'vitest';
import { TestAuthority } from '../../../server/src/net/certificates.case.ts';
import { StaticSource } from '../source/static-source.ts';
import { channelOptions, registerRollcall } from './index.ts';

const authority = new TestAuthority();
const source = new StaticSource();
const cleanups: (() => void)[] = [];
const path = '/test.Echo/Who';
const bytes = { to: (text: string) => Buffer.from(text), from: (buffer: Buffer) => buffer.toString() };

beforeAll(() => registerRollcall(source));

afterEach(() => {
  for (const cleanup of cleanups.splice(0).toReversed()) cleanup();
});

/** Answers with the name in the client's certificate; its own certificate is for `names`. */
async function secure(names: readonly string[]): Promise<number> {
  const { cert, key } = authority.issue({ names });
  const server = new grpc.Server();
  const method = {
    ...{ path, requestStream: false, responseStream: false, requestSerialize: bytes.to, requestDeserialize: bytes.from },
    ...{ responseSerialize: bytes.to, responseDeserialize: bytes.from },
  } as const;
  server.addService({ who: method }, {
    who: (call: grpc.ServerUnaryCall<string, string>, answer: grpc.sendUnaryData<string>) => {
      const subject = call.getAuthContext().sslPeerCertificate?.subject as unknown as { CN?: string } | undefined;
      answer(null, subject?.CN ?? 'unknown');
    },
  });
  const credentials = grpc.ServerCredentials.createSsl(
    Buffer.from(authority.cert),
    [{ cert_chain: Buffer.from(cert), private_key: Buffer.from(key) }],
    true,
  );
  cleanups.push(() => server.forceShutdown());
  return new Promise((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', credentials, (error, port) => (error ? reject(error) : resolve(port))),
  );
}

async function who(service: string, port: number, credentials: grpc.ChannelCredentials, options: grpc.ChannelOptions = {}): Promise<string> {
  source.set(service, [{ address: '127.0.0.1', port }]);
  const client = new grpc.Client(`rollcall:///${service}`, credentials, { ...channelOptions('round_robin'), ...options });
  cleanups.push(() => client.close());
  return new Promise((resolve, reject) =>
    client.makeUnaryRequest(path, bytes.to, bytes.from, 'x', new grpc.Metadata(), { deadline: Date.now() + 10_000 }, (error, name) =>
      error ? reject(error) : resolve(name ?? ''),
    ),
  );
}

function shown(): grpc.ChannelCredentials {
  const own = authority.issue({ commonName: 'shop' });
  return grpc.credentials.createSsl(Buffer.from(authority.cert), Buffer.from(own.key), Buffer.from(own.cert));
}

it('calls instances by TLS whose certificate is for the service’s name, and presents a client certificate', async () => {
  expect(await who('orders', await secure(['orders']), shown())).toBe('shop');
});

it('accepts another name with grpc.ssl_target_name_override', async () => {
  const port = await secure(['orders.internal']);
  expect(await who('carts', port, shown(), { 'grpc.ssl_target_name_override': 'orders.internal' })).toBe('shop');
});

it('does not call an instance with a certificate for another name, nor one that requires a client certificate when there is none', async () => {
  const port = await secure(['orders.internal']);
  await expect(who('orders-2', port, shown())).rejects.toMatchObject({ code: grpc.status.UNAVAILABLE, details: expect.stringMatching(/altnames/) as string });
  const hidden = grpc.credentials.createSsl(Buffer.from(authority.cert));
  await expect(who('orders-3', await secure(['orders-3']), hidden)).rejects.toMatchObject({ code: grpc.status.UNAVAILABLE });
});
