/** The front end on real sockets: UDP and TCP, limits, and that it starts and ends cleanly. */

import { Resolver } from 'node:dns/promises';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { isRegistryError } from '@rollcall/protocol';
import { manualClock } from '../../manual-clock.case.ts';
import type { TcpAddress } from '../../net/listen-address.ts';
import { ask, askOverTcp, askTcp, askUdp, decoded, queryPacket } from './ask.case.ts';
import { listenOn, startDns, startRegistry, type Sample } from './dns.case.ts';
import { dns, type DnsOptions } from './frontend.ts';

const open: { close(): Promise<void> }[] = [];
const sockets: Socket[] = [];

async function start(options: DnsOptions & Partial<TcpAddress> = {}) {
  const started = await startDns(options);
  open.push(started);
  return started;
}

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const each of open.splice(0)) await each.close();
});

async function dial(port: number): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port });
  sockets.push(socket);
  await once(socket, 'connect');
  return socket;
}

const web: Sample = { id: 'n1', nodeAddress: '10.0.0.1', port: 8_001, nodeMeta: { zone: 'a' } };

async function metric(server: { context: { metrics: { registry: { metrics(): Promise<string> } } } }, name: string) {
  const page = await server.context.metrics.registry.metrics();
  return Number(new RegExp(`^rollcall_dns_${name} (.*)$`, 'm').exec(page)?.[1]);
}

describe('Node’s own resolver', () => {
  it('finds services, nodes and addresses, and gets errors for names that do not exist', async () => {
    const { port, register } = await start();
    await register(web);
    await register({ id: 'n2', nodeAddress: '2001:db8::2', service: 'v6' });
    await register({ id: 'n3', address: 'db.example.org', service: 'elsewhere' });
    const resolver = new Resolver({ timeout: 2_000, tries: 2 });
    resolver.setServers([`127.0.0.1:${port}`]);
    // Newer Nodes add the type.
    expect(await resolver.resolveSrv('_web._tcp.service.consul')).toMatchObject([
      { name: 'n1.node.dc1.consul', port: 8_001, priority: 1, weight: 1 },
    ]);
    expect(await resolver.resolve4('web.service.consul')).toEqual(['10.0.0.1']);
    expect(await resolver.resolve6('v6.service.consul')).toEqual(['2001:db8::2']);
    expect(await resolver.resolveCname('elsewhere.service.consul')).toEqual(['db.example.org']);
    expect(await resolver.resolveTxt('n1.node.consul')).toEqual([['zone=a']]);
    expect(await resolver.reverse('10.0.0.1')).toEqual(['n1.node.dc1.consul']);
    expect(await resolver.resolveSoa('consul')).toMatchObject({ nsname: 'ns.consul', minttl: 0 });
    await expect(resolver.resolve4('nope.service.consul')).rejects.toMatchObject({ code: 'ENOTFOUND' });
    await expect(resolver.resolve6('web.service.consul')).rejects.toMatchObject({ code: 'ENODATA' });
    await expect(resolver.resolve4('example.org')).rejects.toMatchObject({ code: 'EREFUSED' });
  });
});

describe('settings', () => {
  it('choose domain, time to live, strictness and sizes', async () => {
    const server = await start({
      domain: 'Rollcall.Internal.',
      ttls: { services: { web: 9 } },
      onlyPassing: true,
      truncate: true,
      udpBytesMax: 4_096,
      udpRecordsMax: 1,
    });
    for (let n = 1; n <= 60; n++) await server.register({ id: `n${n}`, nodeAddress: `10.0.0.${n}` });
    await server.register({ id: 'n61', status: 'warning' });
    const { port } = server;
    const plain = await ask(port, 'web.service.rollcall.internal', 'A');
    expect(plain).toMatchObject({ flag_tc: true, answers: [{ ttl: 9 }] });
    const srv = await ask(port, 'web.service.rollcall.internal', 'SRV', { edns: 4_096 });
    expect(srv).toMatchObject({ flag_tc: false, answers: { length: 60 } });
    expect(srv.bytes).toBeGreaterThan(1_232);
    expect((await ask(port, 'web.service.consul', 'A')).rcode).toBe('REFUSED');
  });

  it.each<[message: string, options: DnsOptions]>([
    ['udpBytesMax is 511, it must be from 512 to 65467', { udpBytesMax: 511 }],
    ['udpRecordsMax is 0, it must be 1 or more', { udpRecordsMax: 0 }],
    ['queriesPerSecond is NaN, it must be 1 or more', { queriesPerSecond: Number.NaN }],
    ['domain "a b" and datacenter "dc1" cannot be part of names', { domain: 'a b' }],
    ['recursor "example.org" is not an address', { recursors: ['example.org'] }],
    ['the TTL of node is -1 s', { ttls: { node: -1 } }],
  ])('are refused: %s', async (message, options) => {
    const registry = await startRegistry();
    open.push(registry);
    expect(() => dns(registry.context, options)).toThrow(message);
  });
});

describe('starting', () => {
  it('uses one port for UDP and TCP, on IPv6 as well', async () => {
    const server = await start({ host: '::1' });
    await server.register(web);
    const query = queryPacket('web.service.consul', 'A');
    expect(decoded(await askUdp(server.port, query, '::1')).answers).toHaveLength(1);
    expect(decoded((await askTcp(server.port, [query], '::1'))[0] as Buffer).answers).toHaveLength(1);
  });

  it('accepts a host name as its address', async () => {
    const server = await start({ host: 'localhost' });
    expect((await ask(server.port, 'consul', 'SOA')).answers).toHaveLength(1);
  });

  it('fails when another program has the port, for TCP or for UDP, and leaves no socket open', async () => {
    const registry = await startRegistry();
    open.push(registry);
    const tcp = createServer().listen(0, '127.0.0.1');
    await once(tcp, 'listening');
    const { port } = tcp.address() as AddressInfo;
    const udp = createSocket('udp4').bind(port, '127.0.0.1');
    await once(udp, 'listening');
    const failing = async () => {
      registry.context.metrics.registry.clear();
      const error = await listenOn(registry.context, dns(registry.context), { port }).catch((reason: unknown) => reason);
      expect(isRegistryError(error, 'failed_precondition')).toBe(true);
      expect(String(error)).toContain(`cannot serve DNS on 127.0.0.1:${port}: another program listens there`);
    };
    await failing();
    await once(tcp.close(), 'close');
    await failing();
    await refused(port);
    await once(udp.close(), 'close');
  });
});

describe('answers', () => {
  it('have a thousand instances over TCP, and at most 1,232 bytes over UDP', async () => {
    const server = await start();
    for (let n = 0; n < 1_000; n++) {
      await server.register({ id: `n${n}`, nodeAddress: `10.0.${n >> 8}.${n & 255}`, port: 1_000 + n });
    }
    const tcp = await askOverTcp(server.port, 'web.service.consul', 'SRV');
    expect([tcp.answers.length, tcp.additionals.length, tcp.flag_tc]).toEqual([1_000, 1_000, false]);
    const udp = await ask(server.port, 'web.service.consul', 'SRV', { edns: 65_535 });
    expect(udp.bytes).toBeLessThanOrEqual(1_232);
  });

  it('come over TCP in the order of the queries, for hundreds at once', async () => {
    const server = await start();
    await server.register(web);
    const queries = Array.from({ length: 500 }, (_, id) => queryPacket('web.service.consul', 'SRV', { id }));
    const answers = (await askTcp(server.port, queries)).map(decoded);
    expect(answers.map(({ id }) => id)).toEqual(queries.map((_, id) => id));
    for (const { answers: records } of answers) expect(records).toHaveLength(1);
  });

  it('are counted', async () => {
    const server = await start();
    await server.register(web);
    for (let n = 0; n < 3; n++) await ask(server.port, 'web.service.consul', 'A');
    await ask(server.port, 'nope.service.consul', 'A');
    await askOverTcp(server.port, 'example.org', 'A');
    await sendSilently(server.port, Buffer.from('not a query'));
    await vi.waitFor(async () => expect(await metric(server, 'ignored_total')).toBe(1), { timeout: 20_000 });
    const names = ['queries_total', 'name_errors_total', 'limited_total', 'encodings_total'];
    expect(await Promise.all(names.map((name) => metric(server, name)))).toEqual([5, 1, 0, 3]);
    expect(await metric(server, 'kept_bytes')).toBeGreaterThan(0);
  });

  it('are not sent when an address sends too many queries; other addresses, and later queries, get answers', async ({ skip }) => {
    const external = Object.values(networkInterfaces())
      .flat()
      .find((each) => each !== undefined && each.family === 'IPv4' && !each.internal)?.address;
    skip(external === undefined, 'this machine has no address but loopback, which is not limited');
    const clock = manualClock();
    const server = await startDns({ host: '0.0.0.0', queriesPerSecond: 10 }, clock);
    open.push(server);
    await server.register(web);
    const query = queryPacket('web.service.consul', 'A');
    const client = createSocket('udp4');
    let answered = 0;
    client.on('message', () => answered++);
    client.bind(0, external as string);
    for (let n = 0; n < 25; n++) client.send(query, server.port, external as string);
    await vi.waitFor(async () => expect(await metric(server, 'limited_total')).toBe(15), { timeout: 20_000 });
    await vi.waitFor(() => expect(answered).toBe(10), { timeout: 20_000 });
    await expect(askTcp(server.port, [query], external as string)).rejects.toThrow();
    expect(decoded(await askUdp(server.port, query)).answers).toHaveLength(1);
    clock.advance(1_000);
    for (let n = 0; n < 5; n++) client.send(query, server.port, external as string);
    await vi.waitFor(() => expect(answered).toBe(15), { timeout: 20_000 });
    client.close();
  });
});

describe('closing', () => {
  it('completes while clients are connected; later queries get no answer', async () => {
    const server = await start();
    await server.register(web);
    const idle = await dial(server.port);
    const ended = once(idle, 'close');
    await server.stopServing();
    await ended;
    await refused(server.port);
    open.splice(open.indexOf(server), 1);
    await server.replica.close();
  });

  it('is possible before starting', async () => {
    const registry = await startRegistry();
    open.push(registry);
    await dns(registry.context).close();
  });
});

/** A port without a listener. */
async function refused(port: number): Promise<void> {
  const [error] = (await once(connect({ host: '127.0.0.1', port }), 'error')) as [NodeJS.ErrnoException];
  expect(error.code).toBe('ECONNREFUSED');
}

async function sendSilently(port: number, bytes: Buffer): Promise<void> {
  const socket = createSocket('udp4');
  await new Promise((sent) => socket.send(bytes, port, '127.0.0.1', sent));
  socket.close();
}
