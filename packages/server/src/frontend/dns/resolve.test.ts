/** The records of a name, from a real registry: a table of names, and the rules of health. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { manualClock } from '../../manual-clock.case.ts';
import { Directory } from './directory.ts';
import { startRegistry, type Sample } from './dns.case.ts';
import { parseName } from './names.ts';
import { types, type Entry, type Found, type ResourceRecord } from './records.ts';
import { resolve } from './resolve.ts';
import { ttlsOf } from './ttls.ts';
import type { Zone } from './zone.ts';

const zone: Zone = {
  domain: 'consul',
  datacenter: 'dc1',
  node: { name: 'here', address: '127.0.0.1' },
  ttls: ttlsOf({ node: 30, services: { web: 5 } }),
  onlyPassing: false,
};

const clock = manualClock();
let registry: Awaited<ReturnType<typeof startRegistry>>;
let directory: Directory;

beforeEach(async () => {
  registry = await startRegistry(clock);
  directory = new Directory(registry.replica, clock, zone);
  await directory.prepareAddresses();
});
afterEach(() => registry.close());

const register = async (...samples: Sample[]) => {
  for (const sample of samples) await registry.register(sample);
};

function resolved(name: string, type: keyof typeof types, settings: Partial<Zone> = {}): Found {
  const changed = { ...zone, ...settings };
  const among = settings.onlyPassing === undefined ? directory : new Directory(registry.replica, clock, changed);
  const asked = parseName(name.split('.'), types[type], ['consul']);
  const subject = among.subjectOf(asked);
  if (subject === undefined) throw new Error(`${name} needs addresses`);
  return resolve(changed, subject, types[type]);
}

const entriesOf = (found: Extract<Found, { kind: 'answer' }>): Entry[] =>
  Array.from({ length: found.count }, (_, index) => found.entry(index));

/** Records as `TYPE data`, sorted, additional ones after `+`; without records, the reason. */
function found(name: string, type: keyof typeof types = 'A', settings: Partial<Zone> = {}): string[] | string {
  const result = resolved(name, type, settings);
  if (result.kind !== 'answer') return result.kind;
  return entriesOf(result)
    .map(({ record, along }) => [show(record), ...along.map(show)].join(' + '))
    .toSorted();
}

function show(record: ResourceRecord): string {
  switch (record.type) {
    case 'A':
    case 'AAAA':
      return `${record.type} ${record.address}`;
    case 'SRV':
      return `SRV ${record.weight} ${record.port} ${record.target}`;
    case 'TXT':
      return `TXT ${record.text}`;
    case 'SOA':
      return `SOA ${record.server} ${record.mailbox}`;
    default:
      return `${record.type} ${record.target}`;
  }
}

describe('a namespace', () => {
  it('has its own services, tags and SRV records, whose targets are in no namespace', async () => {
    await register(
      { id: 'n1', nodeAddress: '10.0.0.1', port: 8_001 },
      { id: 'n2', namespace: 'team-a', nodeAddress: '10.0.0.2', port: 8_002, tags: ['blue'] },
      { id: 'n3', namespace: 'team-a', nodeAddress: '10.0.0.3', address: '10.9.0.3', port: 8_003 },
    );
    expect(found('web.service.consul')).toEqual(['A 0a000001']);
    expect(found('web.service.default.ns.consul')).toEqual(['A 0a000001']);
    expect(found('web.service.team-a.ns.consul')).toEqual(['A 0a000002', 'A 0a090003']);
    expect(found('blue.web.service.team-a.ns.default.ap.dc1.dc.consul')).toEqual(['A 0a000002']);
    expect(found('blue.web.service.consul')).toBe('name-error');
    for (const name of ['web.service.team-a.ns.consul', '_web._tcp.service.team-a.ns.consul', '_web._tcp.team-a.ns.consul']) {
      expect(found(name, 'SRV')).toEqual([
        'SRV 1 8002 n2.node.dc1.consul + A 0a000002',
        'SRV 1 8003 0a090003.addr.dc1.consul + A 0a090003',
      ]);
    }
    expect(found('web.service.team-b.ns.consul')).toBe('name-error');
    expect(found('web.service.team-a.ns.dc2.dc.consul')).toBe('name-error');
    expect(found('n2.node.consul')).toEqual(['A 0a000002']);
    expect(found('n2.node.team-a.ns.consul')).toBe('name-error');
    expect(found('service.team-b.ns.consul')).toBe('no-data');
  });

  it('is in the reverse name of an address, where it is not the default one', async () => {
    await register(
      { id: 'n1', namespace: 'team-b', nodeAddress: 'elsewhere', address: '10.9.0.1' },
      { id: 'n2', namespace: 'team-a', nodeAddress: 'elsewhere', address: '10.9.0.1' },
    );
    expect(found('1.0.9.10.in-addr.arpa', 'PTR')).toEqual(['PTR web.service.team-a.ns.dc1.dc.consul']);
    await register({ id: 'n3', nodeAddress: 'elsewhere', address: '10.9.0.1', service: 'zone' });
    expect(found('1.0.9.10.in-addr.arpa', 'PTR')).toEqual(['PTR zone.service.dc1.consul']);
  });

  it('has its own prepared queries, which find its services', async () => {
    await register({ id: 'n1', nodeAddress: '10.0.0.1' }, { id: 'n2', namespace: 'team-a', nodeAddress: '10.0.0.2' });
    const service = {
      ...{ name: 'web', failover: { nearest: 0, datacenters: null, targets: null }, onlyPassing: false },
      ...{ ignoredChecks: [], near: '', tags: [], nodeMeta: {}, meta: {}, connect: false },
    };
    const query = { name: 'find', session: '', template: { type: '', pattern: '', removeEmptyTags: false }, service, ttl: '' } as const;
    await registry.replica.submit({ kind: 'query-put', namespace: 'team-a', id: 'q', query, update: false });
    expect(found('find.query.team-a.ns.consul')).toEqual(['A 0a000002']);
    expect(found('find.query.consul')).toBe('name-error');
  });

  it('is found in any case', async () => {
    await register({ id: 'n1', namespace: 'team-a', service: 'Web', nodeAddress: '10.0.0.1' });
    expect(found('WEB.service.team-a.ns.consul'.toLowerCase())).toEqual(['A 0a000001']);
  });
});

describe('a service', () => {
  it('has the addresses of its instances, each once', async () => {
    await register(
      { id: 'n1', nodeAddress: '10.0.0.1' },
      { id: 'n2', nodeAddress: '10.0.0.2', address: '10.0.9.9' },
      { id: 'n3', nodeAddress: '10.0.0.3', address: '10.0.9.9', port: 81 },
      { id: 'n4', nodeAddress: '2001:db8::4' },
      { id: 'n5', nodeAddress: '10.0.0.5', service: 'other' },
    );
    expect(found('web.service.consul')).toEqual(['A 0a000001', 'A 0a000909']);
    expect(found('web.service.consul', 'AAAA')).toEqual(['AAAA 20010db8000000000000000000000004']);
    expect(found('web.service.consul', 'ANY')).toHaveLength(3);
    expect(found('web.service.consul', 'TXT')).toBe('no-data');
  });

  it('has an SRV record for each instance: the target is its node, or its own address', async () => {
    await register(
      { id: 'n1', nodeAddress: '10.0.0.1', port: 8_001 },
      { id: 'n2', nodeAddress: '10.0.0.2', address: '10.0.9.9', port: 8_002 },
      { id: 'n3', nodeAddress: '2001:db8::3', port: 8_003 },
    );
    const places = [
      'SRV 1 8001 n1.node.dc1.consul + A 0a000001',
      'SRV 1 8002 0a000909.addr.dc1.consul + A 0a000909',
      'SRV 1 8003 n3.node.dc1.consul + AAAA 20010db8000000000000000000000003',
    ];
    for (const name of ['web.service.consul', '_web._tcp.service.consul', '_web._tcp.consul']) {
      expect(found(name, 'SRV')).toEqual(places);
    }
  });

  it('has the addresses of instances without a node; one without an address has no record', async () => {
    await registry.replica.submit({
      kind: 'register',
      namespace: 'default',
      node: { name: '', address: '' },
      nodeMode: 'none',
      instances: [{ id: 'a', service: 'web', address: '10.9.8.7', port: 81 }, { id: 'b', service: 'web', port: 82 }],
    });
    expect(found('web.service.consul')).toEqual(['A 0a090807']);
    expect(found('web.service.consul', 'SRV')).toEqual(['SRV 1 81 0a090807.addr.dc1.consul + A 0a090807']);
    expect(found('7.8.9.10.in-addr.arpa', 'PTR')).toEqual(['PTR web.service.dc1.consul']);
  });

  it('has one SRV record for each node, address and port', async () => {
    await register({ id: 'n1', service: 'web', port: 8_001 }, { id: 'n2', port: 8_001 });
    await registry.replica.submit({
      kind: 'register',
      namespace: 'default',
      node: { name: 'n1', address: '10.0.0.1' },
      nodeMode: 'exists',
      instances: [
        { id: 'again', service: 'web', port: 8_001 },
        { id: 'other port', service: 'web', port: 8_002 },
      ],
    });
    expect((found('web.service.consul', 'SRV') as string[]).map((text) => text.split(' + ')[0])).toEqual([
      'SRV 1 8001 n1.node.dc1.consul',
      'SRV 1 8001 n2.node.dc1.consul',
      'SRV 1 8002 n1.node.dc1.consul',
    ]);
  });

  it('has its node’s address as the target when the node’s name is not a DNS name', async () => {
    await register({ id: 'a node', nodeAddress: '10.0.0.1' }, { id: 'x'.repeat(64), nodeAddress: '10.0.0.2' });
    expect(found('web.service.consul', 'SRV')).toEqual([
      'SRV 1 80 0a000001.addr.dc1.consul + A 0a000001',
      'SRV 1 80 0a000002.addr.dc1.consul + A 0a000002',
    ]);
  });

  it('leaves out critical instances and those on critical nodes; warning ones stay, with their warning weight', async () => {
    const weights = { weight: 10, warningWeight: 2 };
    await register(
      { id: 'n1', ...weights },
      { id: 'n2', ...weights, status: 'warning' },
      { id: 'n3', ...weights, nodeStatus: 'warning' },
      { id: 'n4', ...weights, status: 'critical' },
      { id: 'n5', ...weights, nodeStatus: 'critical' },
    );
    const shown = found('web.service.consul', 'SRV') as string[];
    expect(shown.map((text) => text.split(' ').slice(0, 4).join(' '))).toEqual([
      'SRV 10 80 n1.node.dc1.consul',
      'SRV 2 80 n2.node.dc1.consul',
      'SRV 2 80 n3.node.dc1.consul',
    ]);
    expect(found('web.service.consul', 'SRV', { onlyPassing: true })).toHaveLength(1);
  });

  it('leaves out an instance that drains', async () => {
    await register({ id: 'n1', nodeAddress: '10.0.0.1' }, { id: 'n2', nodeAddress: '10.0.0.2' });
    await registry.replica.submit({ kind: 'instance-status', namespace: 'default', node: 'n1', id: 'n1', status: 'draining' });
    expect(found('web.service.consul')).toEqual(['A 0a000002']);
  });

  it('without an instance that can serve does not exist', async () => {
    await register({ id: 'n1', status: 'critical' });
    for (const type of ['A', 'SRV', 'TXT', 'ANY'] as const) expect(found('web.service.consul', type)).toBe('name-error');
  });

  it('is filtered by tag, in any case', async () => {
    await register({ id: 'n1', nodeAddress: '10.0.0.1', tags: ['Primary', 'v1.2'] }, { id: 'n2', nodeAddress: '10.0.0.2' });
    for (const name of ['primary.web.service.consul', 'v1.2.web.service.consul', '_web._primary.service.consul']) {
      expect(found(name)).toEqual(['A 0a000001']);
    }
    expect(found('secondary.web.service.consul')).toBe('name-error');
    expect(found('_web._tcp.service.consul')).toHaveLength(2);
  });

  it('is found in any case, together with all that differ only in case', async () => {
    await register({ id: 'n1', service: 'Web', nodeAddress: '10.0.0.1' });
    expect(found('web.service.consul')).toEqual(['A 0a000001']);
    await register({ id: 'n2', service: 'web', nodeAddress: '10.0.0.2' });
    await register({ id: 'n3', service: 'WEB', nodeAddress: '10.0.0.3' });
    expect(found('web.service.consul')).toEqual(['A 0a000001', 'A 0a000002', 'A 0a000003']);
  });

  it('with host names instead of addresses is an alias of the first, unless an instance has an address', async () => {
    await register({ id: 'n1', address: 'db.example.org.' }, { id: 'n2', address: 'db2.example.org' });
    expect(found('web.service.consul')).toEqual(['CNAME db.example.org']);
    expect(found('web.service.consul', 'CNAME')).toEqual(['CNAME db.example.org']);
    expect(found('web.service.consul', 'TXT')).toBe('no-data');
    expect(found('web.service.consul', 'SRV')).toEqual(['SRV 1 80 db.example.org', 'SRV 1 80 db2.example.org']);
    await register({ id: 'n3', nodeAddress: '10.0.0.3' });
    expect(found('web.service.consul')).toEqual(['A 0a000003']);
    expect(found('web.service.consul', 'AAAA')).toBe('no-data');
  });

  it('is not an alias of itself', async () => {
    await register({ id: 'n1', nodeAddress: '10.0.0.1', address: 'Web.service.consul.' });
    expect(found('web.service.consul')).toEqual(['A 0a000001']);
    expect(found('web.service.consul', 'SRV')).toEqual(['SRV 1 80 n1.node.dc1.consul + A 0a000001']);
  });

  it('has no record for an address that is neither an IP address nor a host name', async () => {
    await register({ id: 'n1', address: 'unix:/run/web.sock' }, { id: 'n2', nodeAddress: '' });
    for (const type of ['A', 'AAAA', 'SRV', 'ANY'] as const) expect(found('web.service.consul', type)).toBe('no-data');
  });

  it('keeps ports and weights within 16 bits', async () => {
    await register({ id: 'n1', port: 70_000, weight: 1_000_000, warningWeight: 1 });
    expect(found('web.service.consul', 'SRV')).toEqual(['SRV 65535 65535 n1.node.dc1.consul + A 0a000001']);
  });

  it('is found only in this datacenter', async () => {
    await register({ id: 'n1' });
    expect(found('web.service.dc1.consul')).toHaveLength(1);
    expect(found('web.service.dc1.dc.consul')).toHaveLength(1);
    expect(found('web.service.dc2.consul')).toBe('name-error');
    expect(found('n1.node.dc2.consul')).toBe('name-error');
  });

  it('has the time to live of its service, and nodes have theirs', async () => {
    await register({ id: 'n1' });
    const ttlOf = (name: string, type: 'A' | 'SRV') => {
      const result = resolved(name, type);
      if (result.kind !== 'answer') return [];
      return entriesOf(result).flatMap(({ record, along }) => [record.ttl, ...along.map(({ ttl }) => ttl)]);
    };
    expect(ttlOf('web.service.consul', 'SRV')).toEqual([5, 5]);
    expect(ttlOf('n1.node.consul', 'A')).toEqual([30]);
  });
});

describe('a node', () => {
  const nodeMeta = { zone: 'a b', 'rfc1035-note': 'as it is', 'a=b`c': 'd`e', ' padded ': '' };

  it('has its address and its metadata, healthy or not', async () => {
    await register({ id: 'n1', nodeAddress: '10.0.0.1', nodeStatus: 'critical', nodeMeta });
    expect(found('n1.node.consul')).toEqual(['A 0a000001']);
    expect(found('n1.node.consul', 'AAAA')).toBe('no-data');
    expect(found('n1.node.consul', 'SRV')).toBe('no-data');
    const texts = ['TXT ` padded` =', 'TXT a`=b``c=d``e', 'TXT as it is', 'TXT zone=a b'];
    expect(found('n1.node.consul', 'TXT')).toEqual(texts);
    expect(found('n1.node.consul', 'ANY')).toEqual(['A 0a000001', ...texts]);
  });

  it('is found in any case, and with dots in its name', async () => {
    await register({ id: 'My.Node', nodeAddress: '10.0.0.1' });
    expect(found('my.node.node.consul')).toEqual(['A 0a000001']);
    expect(found('node.node.consul')).toBe('name-error');
  });

  it('may have a host name as its address', async () => {
    await register({ id: 'n1', nodeAddress: 'host.example.org' });
    expect(found('n1.node.consul')).toEqual(['CNAME host.example.org']);
  });
});

describe('an address', () => {
  it('is read from its name', () => {
    expect(found('0a000001.addr.consul')).toEqual(['A 0a000001']);
    expect(found('0a000001.addr.consul', 'AAAA')).toBe('no-data');
    expect(found('20010db8000000000000000000000005.addr.dc1.consul', 'AAAA')).toHaveLength(1);
  });

  it('leads back to a node, or else to a service', async () => {
    await register(
      { id: 'n1', nodeAddress: '10.0.0.1', address: '10.0.9.9' },
      { id: 'n2', nodeAddress: '2001:db8::5', address: '10.0.0.1', service: 'other' },
    );
    expect(found('1.0.0.10.in-addr.arpa', 'PTR')).toEqual(['PTR n1.node.dc1.consul']);
    expect(found('9.9.0.10.in-addr.arpa', 'PTR')).toEqual(['PTR web.service.dc1.consul']);
    expect(found('9.9.0.10.in-addr.arpa', 'ANY')).toHaveLength(1);
    const v6 = '5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa';
    expect(found(v6, 'PTR')).toEqual(['PTR n2.node.dc1.consul']);
    expect(found('9.9.0.10.in-addr.arpa', 'A')).toBe('no-data');
    expect(found('8.8.8.8.in-addr.arpa', 'PTR')).toBe('name-error');
    await registry.deregister('n1');
    expect(found('9.9.0.10.in-addr.arpa', 'PTR')).toBe('name-error');
  });
});

describe('the domain', () => {
  it('has NS and SOA under every name', () => {
    expect(found('consul', 'SOA')).toEqual(['SOA ns.consul hostmaster.consul']);
    expect(found('nope.service.consul', 'SOA')).toHaveLength(1);
    expect(found('consul', 'NS')).toEqual(['NS here.node.dc1.consul + A 7f000001']);
    expect(found('consul')).toBe('no-data');
    expect(found('consul', 'ANY')).toHaveLength(1);
  });

  it('answers NOERROR for the names between the domain and services, which resolvers ask for first (RFC 9156)', () => {
    for (const name of ['service.consul', 'dc1.consul', 'service.dc1.consul', 'dc.consul', '_tcp.service.consul']) {
      expect(found(name)).toBe('no-data');
    }
    for (const name of ['nope.consul', 'service.dc2.consul', 'web.connect.consul', 'geo.query.consul']) {
      expect(found(name)).toBe('name-error');
    }
  });
});
