/** The policy refuses forbidden addresses in every spelling. */

import { describe, expect, it } from 'vitest';
import { parseHostPort, pinned } from './address-policy.ts';
import { resolving } from '../health/probes/targets.case.ts';

describe('a host that is an address', () => {
  it.each([
    ['169.254.169.254', 'metadata of most clouds'],
    ['169.254.170.2', 'credentials of AWS ECS tasks'],
    ['169.254.0.1', 'link-local'],
    ['2852039166', 'the same in decimal'],
    ['0xa9fea9fe', 'in hexadecimal'],
    ['0xa9.0xfe.0xa9.0xfe', 'in hexadecimal parts'],
    ['0251.0376.0251.0376', 'in octal'],
    ['0251.254.0xa9fe', 'in a mixture'],
    ['169.254.43518', 'in three parts'],
    ['１６９.254.169.254', 'in full-width digits'],
    ['169.254.169.254.', 'with a dot behind'],
    ['[::ffff:169.254.169.254]', 'IPv4-mapped'],
    ['[::ffff:a9fe:a9fe]', 'IPv4-mapped in hexadecimal'],
    ['[0:0:0:0:0:ffff:a9fe:a9fe]', 'IPv4-mapped, written out'],
    ['[64:ff9b::a9fe:a9fe]', 'through NAT64'],
    ['[2002:a9fe:a9fe::1]', 'through 6to4'],
    ['[fe80::1]', 'link-local'],
    ['[febf:ffff::1]', 'link-local, at the end of the range'],
    ['[fd00:ec2::254]', 'metadata of AWS'],
    ['[fd20:ce::254]', 'metadata of Google Cloud'],
    ['100.100.100.200', 'metadata of Alibaba Cloud'],
    ['[::ffff:100.100.100.200]', 'the same, IPv4-mapped'],
    ['168.63.129.16', 'WireServer of Azure'],
    ['0.0.0.0', 'unspecified'],
    ['0', 'unspecified, in short'],
    ['[::]', 'unspecified'],
    ['224.0.0.1', 'multicast'],
    ['239.255.255.250', 'multicast'],
    ['[ff02::1]', 'multicast'],
    ['255.255.255.255', 'broadcast'],
  ])('%s is refused: %s', async (host) => {
    const { resolve, asked } = resolving(['127.0.0.1']);
    await expect(resolve(host)).rejects.toMatchObject({ code: 'permission_denied' });
    expect(asked).toEqual([]);
  });

  it.each([
    ['127.0.0.1', '127.0.0.1', 4],
    ['2130706433', '127.0.0.1', 4],
    ['[::1]', '::1', 6],
    ['10.1.2.3', '10.1.2.3', 4],
    ['192.168.0.1', '192.168.0.1', 4],
    ['172.16.0.1', '172.16.0.1', 4],
    ['100.100.100.201', '100.100.100.201', 4],
    ['169.253.255.255', '169.253.255.255', 4],
    ['8.8.8.8', '8.8.8.8', 4],
    ['[fd12:3456::1]', 'fd12:3456::1', 6],
    ['[2001:db8::1]', '2001:db8::1', 6],
    ['[64:ff9b::808:808]', '64:ff9b::808:808', 6],
  ])('%s is allowed', async (host, address, family) => {
    const { resolve } = resolving();
    expect(await resolve(host)).toEqual([{ address, family }]);
  });

  it.each(['', 'a b', 'host/path', 'user@host', 'host:80', '[::1]:80', 'host?x', '[fe80::1%25eth0]', 'fe80::1', '999.1.1.1'])(
    '%j is no host',
    async (host) => {
      const { resolve, asked } = resolving(['127.0.0.1']);
      await expect(resolve(host)).rejects.toMatchObject({ code: 'invalid_argument' });
      expect(asked).toEqual([]);
    },
  );
});

describe('a host that is a name', () => {
  it('is refused when it resolves to a refused address only', async () => {
    const { resolve } = resolving(['169.254.169.254']);
    await expect(resolve('metadata.google.internal')).rejects.toMatchObject({
      code: 'permission_denied',
      message: expect.stringContaining('169.254.169.254') as string,
    });
  });

  it('keeps its allowed addresses, in order, when only some are refused', async () => {
    const { resolve } = resolving(['fe80::1', '10.0.0.7', '169.254.169.254', '::1']);
    expect((await resolve('printer.local')).map(({ address }) => address)).toEqual(['10.0.0.7', '::1']);
  });

  it('is refused when it has no address, and when a resolver answers nonsense', async () => {
    await expect(resolving([]).resolve('nowhere')).rejects.toMatchObject({ code: 'not_found' });
    await expect(resolving(['not an address']).resolve('odd')).rejects.toMatchObject({ code: 'permission_denied' });
  });
});

describe('a pinned lookup', () => {
  const lookup = pinned([
    { address: '::1', family: 6 },
    { address: '127.0.0.1', family: 4 },
  ]);
  it('gives only these addresses, for any name', () => {
    lookup('evil.test', { all: true }, (error, found) => {
      expect([error, found]).toEqual([null, [{ address: '::1', family: 6 }, { address: '127.0.0.1', family: 4 }]]);
    });
    lookup('evil.test', { family: 4 }, (error, address, family) => {
      expect([error, address, family]).toEqual([null, '127.0.0.1', 4]);
    });
    pinned([])('evil.test', {}, (error) => expect(error).toBeInstanceOf(Error));
  });
});

describe('host:port', () => {
  it.each([
    ['web.test:80', 'web.test', 80],
    ['[::1]:65535', '[::1]', 65_535],
  ])('%s is read', (text, host, port) => expect(parseHostPort(text)).toEqual({ host, port }));

  it.each(['', 'web', ':80', 'web:', 'web:0', 'web:65536', 'web:8o', 'web:-1', 'web:1e3'])('%j is refused', (text) =>
    expect(() => parseHostPort(text)).toThrow(/host:port/),
  );
});
