/** The gRPC probe against real servers, and its two messages byte by byte. */

import { Metadata, Server, ServerCredentials, status as codes, type handleUnaryCall } from '@grpc/grpc-js';
import type { CheckDefinition } from '@rollcall/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { decodeResponse, encodeRequest } from './grpc-health.ts';
import { grpcProbe } from './grpc.ts';
import { issued, resolving, trusted } from './targets.case.ts';

const raw = (bytes: Buffer) => bytes;
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.forceShutdown();
});

async function serve(check: handleUnaryCall<Buffer, Buffer>, credentials = ServerCredentials.createInsecure()) {
  const server = new Server();
  servers.push(server);
  server.addService(
    {
      check: {
        path: '/grpc.health.v1.Health/Check',
        requestStream: false,
        responseStream: false,
        requestSerialize: raw,
        requestDeserialize: raw,
        responseSerialize: raw,
        responseDeserialize: raw,
      },
    },
    { check },
  );
  return new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', credentials, (error, port) => (error === null ? resolve(port) : reject(error)));
  });
}

const never = new AbortController().signal;
const probe = (definition: CheckDefinition, ...answers: readonly (readonly string[])[]) =>
  grpcProbe(resolving(...answers).resolve)(definition, never);

describe('the gRPC probe', () => {
  it('passes when the server is serving, and asks for the server as a whole', async () => {
    const asked: unknown[] = [];
    const port = await serve(({ request, metadata }, answer) => {
      asked.push([...request], metadata.get('user-agent')[0]);
      answer(null, Buffer.from([0x08, 1]));
    });
    expect(await probe({ grpc: `127.0.0.1:${port}` })).toEqual({
      status: 'passing',
      output: `gRPC check 127.0.0.1:${port}: success`,
    });
    expect(asked[0]).toEqual([]);
    expect(asked[1]).toMatch(/^Rollcall-Health-Check /);
  });

  it('asks for the service after the slash', async () => {
    let asked = '';
    const port = await serve(({ request }, answer) => {
      asked = request.subarray(2).toString();
      answer(null, Buffer.from([0x08, 1]));
    });
    await probe({ grpc: `127.0.0.1:${port}/shop.Orders/v1` });
    expect(asked).toBe('shop.Orders/v1');
  });

  it.each([
    ['not serving', [0x08, 2], 'NOT_SERVING'],
    ['unknown', [], 'UNKNOWN'],
    ['a status from the future', [0x08, 9], 'UNKNOWN'],
  ])('is critical when the server says %s', async (_name, bytes, words) => {
    const port = await serve((_call, answer) => answer(null, Buffer.from(bytes)));
    expect(await probe({ grpc: `127.0.0.1:${port}` })).toEqual({
      status: 'critical',
      output: `gRPC check 127.0.0.1:${port}: status ${words}`,
    });
  });

  it('fails with the server’s own error', async () => {
    const port = await serve((_call, answer) =>
      answer({ code: codes.NOT_FOUND, details: 'no such service', metadata: new Metadata() }),
    );
    await expect(probe({ grpc: `127.0.0.1:${port}/x` })).rejects.toThrow('no such service');
  });

  it('fails without a server, and when the answer is not a health response', async () => {
    const port = await serve((_call, answer) => answer(null, Buffer.from([0xff])));
    await expect(probe({ grpc: `127.0.0.1:${port}` })).rejects.toThrow(/cannot be read/);
    servers[0]?.forceShutdown();
    await expect(probe({ grpc: `127.0.0.1:${port}` })).rejects.toThrow(/UNAVAILABLE|ECONNREFUSED/);
  });

  it('connects to the address that the policy checked, with the name as authority', async () => {
    const { resolve, asked } = resolving(['127.0.0.1'], ['169.254.169.254']);
    let host = '';
    const port = await serve((call, answer) => {
      host = call.getHost();
      answer(null, Buffer.from([0x08, 1]));
    });
    const definition = { grpc: `rebind.test:${port}` };
    expect(await grpcProbe(resolve)(definition, never)).toMatchObject({ status: 'passing' });
    expect(host).toBe(`rebind.test:${port}`);
    expect(asked).toEqual(['rebind.test']);
    await expect(grpcProbe(resolve)(definition, never)).rejects.toMatchObject({ code: 'permission_denied' });
  });

  it.each(['169.254.169.254:80', '2852039166:80', '[::ffff:a9fe:a9fe]:80/x'])('never connects to %s', async (grpc) => {
    await expect(probe({ grpc })).rejects.toMatchObject({ code: 'permission_denied' });
  });

  it('tries the other address family when no server listens on the first', async () => {
    const port = await serve((_call, answer) => answer(null, Buffer.from([0x08, 1])));
    expect(await probe({ grpc: `both.test:${port}` }, ['::1', '127.0.0.1'])).toMatchObject({ status: 'passing' });
  });

  it('verifies TLS, for the target’s name or the name in the check, unless the check turns it off', async () => {
    const pair = { private_key: Buffer.from(issued.key), cert_chain: Buffer.from(issued.cert) };
    const port = await serve((_call, answer) => answer(null, Buffer.from([0x08, 1])), ServerCredentials.createSsl(null, [pair]));
    const definition = { grpc: `web.test:${port}`, grpcUseTls: true };
    await expect(probe(definition, ['127.0.0.1'])).rejects.toThrow(/unable to verify/);
    expect(await probe({ ...definition, tlsSkipVerify: true }, ['127.0.0.1'])).toMatchObject({ status: 'passing' });

    const ask = (host: string, more: CheckDefinition = {}) =>
      grpcProbe(resolving(['127.0.0.1']).resolve, trusted)({ grpc: `${host}:${port}`, grpcUseTls: true, ...more }, never);
    expect(await ask('web.test')).toMatchObject({ status: 'passing' });
    expect(await ask('other.test', { tlsServerName: 'web.test' })).toMatchObject({ status: 'passing' });
    const another = /does not match certificate's altnames/;
    await expect(ask('other.test')).rejects.toThrow(another);
    await expect(ask('127.0.0.1')).rejects.toThrow(another);
    await expect(ask('web.test', { tlsServerName: 'other.test' })).rejects.toThrow(another);
    expect(await ask('other.test', { tlsSkipVerify: true })).toMatchObject({ status: 'passing' });
  });

  it('is aborted with the signal', async () => {
    const abort = new AbortController();
    const port = await serve(() => abort.abort());
    const asking = grpcProbe(resolving().resolve)({ grpc: `127.0.0.1:${port}` }, abort.signal);
    await expect(asking).rejects.toMatchObject({ code: codes.CANCELLED });
  });
});

describe('the messages', () => {
  it('encode a service of any length', () => {
    expect([...encodeRequest('')]).toEqual([]);
    expect([...encodeRequest('a')]).toEqual([0x0a, 1, 0x61]);
    const long = encodeRequest('x'.repeat(300));
    expect([...long.subarray(0, 3)]).toEqual([0x0a, 0xac, 0x02]);
    expect(long.length).toBe(303);
  });

  const aroundFields = [0x12, 2, 9, 9, 0x18, 0x96, 0x01, 0x08, 2, 0x25, 1, 2, 3, 4, 0x31, 1, 2, 3, 4, 5, 6, 7, 8];
  it.each([
    ['a plain one', [0x08, 1], 'SERVING'],
    ['one with other fields around', aroundFields, 'NOT_SERVING'],
    ['the last of two', [0x08, 2, 0x08, 1], 'SERVING'],
  ])('decode %s', (_name, bytes, expected) => expect(decodeResponse(Buffer.from(bytes))).toBe(expected));

  it.each([[[0x08]], [[0x08, 0x80]], [[0x0b]], [[0x12, 5, 1]], [Array<number>(12).fill(0xff)]])('refuse %j', (bytes) =>
    expect(() => decodeResponse(Buffer.from(bytes))).toThrow(/cannot be read/),
  );
});
