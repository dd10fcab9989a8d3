/** BIND's dig, unmodified, against a real server: its kinds of queries, and its reading of the answers. */

import { spawn, spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { startDns } from '../../packages/server/src/frontend/dns/dns.case.ts';

const missing = spawnSync('dig', ['-v']).error !== undefined;

let server: Awaited<ReturnType<typeof startDns>>;

beforeAll(async () => {
  server = await startDns();
  for (let n = 1; n <= 40; n++) {
    await server.register({ id: `n${n}`, nodeAddress: `10.0.0.${n}`, port: 8_000 + n, tags: n === 1 ? ['primary'] : [] });
  }
  await server.register({
    id: 'Db-1',
    service: 'Db',
    nodeAddress: '10.0.1.1',
    address: '2001:db8::5',
    port: 5_432,
    status: 'warning',
    weight: 10,
    warningWeight: 3,
    nodeMeta: { zone: 'a' },
  });
  await server.register({ id: 'ext', service: 'ext', nodeAddress: 'example.org', port: 443 });
  await server.register({ id: 'a1', namespace: 'team-a', service: 'Db', nodeAddress: '10.1.0.1', address: '10.1.0.9', port: 5_433, tags: ['blue'] });
  await server.register({ id: 'a2', namespace: 'team-a', service: 'Db', nodeAddress: '10.1.0.2', port: 5_434 });
  const meta = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`key-${n}`, 'x'.repeat(60)]));
  await server.register({ id: 'talkative', service: 'talkative', nodeMeta: meta });
});
afterAll(() => server.close());

/** The output of dig, with its warnings at the end. */
async function dig({ skip }: TestContext, ...args: string[]): Promise<string> {
  skip(missing, 'dig is not installed; `node conformance/install-debian.mjs` installs it on Debian');
  const child = spawn('dig', ['@127.0.0.1', '-p', String(server.port), '+time=5', '+tries=1', ...args]);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  await new Promise((ended) => child.on('close', ended));
  // Complaints of dig about a message's form.
  expect(output).not.toMatch(/malformed|Messages has|extra bytes|unexpected|FORMERR/i);
  return output;
}

const lines = (output: string) => output.trim().split('\n').sort();
const statusOf = (output: string) => /status: (\w+)/.exec(output)?.[1];
const flagsOf = (output: string) => /flags: ([\w ]*);/.exec(output)?.[1]?.split(' ');
const counts = /QUERY: (\d+), ANSWER: (\d+), AUTHORITY: (\d+), ADDITIONAL: (\d+)/;
const countsOf = (output: string) => counts.exec(output)?.slice(1).map(Number);
const sizeOf = (output: string) => Number(/MSG SIZE {2}rcvd: (\d+)/.exec(output)?.[1]);

describe('dig', () => {
  it('gets addresses and SRV records of a service', async (context) => {
    const all = Array.from({ length: 40 }, (_, n) => `10.0.0.${n + 1}`).toSorted();
    expect(lines(await dig(context, '+short', '+tcp', 'web.service.consul'))).toEqual(all);
    expect(await dig(context, '+short', 'primary.web.service.dc1.consul')).toBe('10.0.0.1\n');
    expect(await dig(context, '+short', '_web._primary.service.consul', 'SRV')).toBe('1 1 8001 n1.node.dc1.consul.\n');
    const place = '20010db8000000000000000000000005.addr.dc1.consul.';
    const srv = await dig(context, '_db._tcp.service.consul', 'SRV', '+noall', '+answer', '+additional');
    expect(lines(srv.replace(/\s+/g, (space) => (space.includes('\n') ? '\n' : ' ')))).toEqual([
      `${place} 0 IN AAAA 2001:db8::5`,
      `_db._tcp.service.consul. 0 IN SRV 1 3 5432 ${place}`,
    ]);
    expect(await dig(context, '+short', place, 'AAAA')).toBe('2001:db8::5\n');
  });

  it('gets 3 instances in 512 bytes without EDNS, as many as fit with it, all over TCP', async (context) => {
    const plain = await dig(context, '+noedns', 'web.service.consul', 'SRV');
    expect([countsOf(plain), flagsOf(plain)]).toEqual([[1, 3, 0, 3], ['qr', 'aa', 'rd']]);
    expect(sizeOf(plain)).toBeLessThanOrEqual(512);
    const small = await dig(context, '+bufsize=512', 'web.service.consul', 'SRV');
    expect(countsOf(small)).toEqual([1, 3, 0, 4]);
    const middle = await dig(context, '+bufsize=900', 'web.service.consul', 'SRV');
    expect(sizeOf(middle)).toBeLessThanOrEqual(900);
    const large = await dig(context, '+bufsize=4096', 'web.service.consul', 'SRV');
    expect(sizeOf(large)).toBeLessThanOrEqual(1_232);
    expect(countsOf(large)?.[1]).toBeGreaterThan(countsOf(middle)?.[1] ?? 0);
    expect(large).toContain('EDNS: version: 0, flags:; udp: 1232');
    expect(countsOf(await dig(context, '+tcp', 'web.service.consul', 'SRV'))).toEqual([1, 40, 0, 41]);
  });

  it('is told to retry over TCP for answers that must not be cut, and does', async (context) => {
    const output = await dig(context, 'talkative.node.consul', 'TXT');
    expect(output).toContain('Truncated, retrying in TCP mode');
    expect(countsOf(output)).toEqual([1, 20, 0, 1]);
    expect(flagsOf(await dig(context, '+ignore', 'talkative.node.consul', 'TXT'))).toContain('tc');
  });

  it('gets names in its own spelling', async (context) => {
    const output = await dig(context, '+noall', '+question', '+answer', 'dB.SeRvIcE.cOnSuL', 'AAAA');
    expect(lines(output).map((line) => line.split(/\s+/)[0])).toEqual([';dB.SeRvIcE.cOnSuL.', 'dB.SeRvIcE.cOnSuL.']);
  });

  it('gets the SOA for names that do not exist', async (context) => {
    const name = await dig(context, 'nope.service.consul');
    expect([statusOf(name), flagsOf(name), countsOf(name)]).toEqual(['NXDOMAIN', ['qr', 'aa', 'rd'], [1, 0, 1, 1]]);
    expect(name).toMatch(/^consul\.\s+0\s+IN\s+SOA\s+ns\.consul\. hostmaster\.consul\. \d+ 3600 600 86400 0$/m);
    const type = await dig(context, 'web.service.consul', 'MX');
    expect([statusOf(type), countsOf(type)]).toEqual(['NOERROR', [1, 0, 1, 1]]);
  });

  it('finds nodes, metadata, aliases, and reverse names', async (context) => {
    expect(await dig(context, '+short', 'db-1.node.consul')).toBe('10.0.1.1\n');
    expect(await dig(context, '+short', 'db-1.node.consul', 'TXT')).toBe('"zone=a"\n');
    expect(lines(await dig(context, '+short', 'db-1.node.consul', 'ANY'))).toEqual(['"zone=a"', '10.0.1.1']);
    expect(await dig(context, '+short', 'ext.service.consul')).toBe('example.org.\n');
    expect(await dig(context, '+short', '-x', '10.0.0.7')).toBe('n7.node.dc1.consul.\n');
    expect(await dig(context, '+short', '-x', '2001:db8::5')).toBe('Db.service.dc1.consul.\n');
  });

  it('finds the services of a namespace there and nowhere else', async (context) => {
    expect(lines(await dig(context, '+short', 'db.service.team-a.ns.consul'))).toEqual(['10.1.0.2', '10.1.0.9']);
    expect(await dig(context, '+short', 'blue.db.service.team-a.ns.default.ap.dc1.dc.consul')).toBe('10.1.0.9\n');
    expect(lines(await dig(context, '+short', '_db._tcp.service.team-a.ns.consul', 'SRV'))).toEqual([
      '1 1 5433 0a010009.addr.dc1.consul.',
      '1 1 5434 a2.node.dc1.consul.',
    ]);
    expect(await dig(context, '+short', 'a2.node.dc1.consul')).toBe('10.1.0.2\n');
    expect(await dig(context, '+short', '-x', '10.1.0.9')).toBe('Db.service.team-a.ns.dc1.dc.consul.\n');
    expect(await dig(context, '+short', 'db.service.team-a.ns.dc1.dc.consul')).toContain('10.1.0.9');
    expect(lines(await dig(context, '+short', 'db.service.consul', 'AAAA'))).toEqual(['2001:db8::5']);
    expect(statusOf(await dig(context, 'blue.db.service.consul'))).toBe('NXDOMAIN');
    expect(statusOf(await dig(context, 'db.service.team-b.ns.consul'))).toBe('NXDOMAIN');
    expect(statusOf(await dig(context, 'service.team-a.ns.consul'))).toBe('NOERROR');
  });

  it('gets an error code for queries that the server does not support', async (context) => {
    expect(statusOf(await dig(context, 'example.org'))).toBe('REFUSED');
    expect(statusOf(await dig(context, '-c', 'CH', 'version.bind', 'TXT'))).toBe('REFUSED');
    expect(statusOf(await dig(context, '+edns=1', '+noednsnegotiation', 'web.service.consul'))).toBe('BADVERS');
    expect(statusOf(await dig(context, '+opcode=NOTIFY', 'consul', 'SOA'))).toBe('NOTIMP');
    expect(await dig(context, 'consul', 'AXFR')).toContain('Transfer failed');
  });

  it('may use options that the server does not know, and one connection for many queries', async (context) => {
    const options = ['+subnet=192.0.2.0/24', '+cookie', '+nsid', '+dnssec', '+padding=128', '+cdflag', '+norecurse'];
    const output = await dig(context, ...options, '+noall', '+comments', '+answer', 'primary.web.service.consul');
    expect([statusOf(output), flagsOf(output)]).toEqual(['NOERROR', ['qr', 'aa', 'cd']]);
    const many = await dig(context, '+tcp', '+keepopen', '+short', ...Array<string>(50).fill('n1.node.consul'));
    expect(lines(many)).toEqual(Array(50).fill('10.0.0.1'));
  });
});
