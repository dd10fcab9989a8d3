/** The grammar of names, as a table. */

import { describe, expect, it } from 'vitest';
import { parseName, type Asked } from './names.ts';
import { types } from './records.ts';

const { A, SRV } = types;
const service = (name: string, tag = '', datacenter = '', namespace = 'default'): Asked => ({ kind: 'service', service: name, tag, namespace, datacenter });
const query = (name: string, datacenter = '', namespace = 'default'): Asked => ({ kind: 'query', query: name, namespace, datacenter });
const unknown: Asked = { kind: 'unknown' };
const foreign: Asked = { kind: 'foreign' };
const between = (datacenter = ''): Asked => ({ kind: 'between', datacenter });
const nibbles = '5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa';

describe('names of the domain', () => {
  it.each<[name: string, type: number, asked: Asked]>([
    ['web.service.consul', A, service('web')],
    ['primary.web.service.consul', A, service('web', 'primary')],
    ['v1.2.web.service.consul', A, service('web', 'v1.2')],
    ['web.service.dc2.consul', A, service('web', '', 'dc2')],
    ['web.service.dc2.dc.consul', A, service('web', '', 'dc2')],
    ['primary.web.service.dc2.dc.consul', SRV, service('web', 'primary', 'dc2')],
    ['web.service.a.b.consul', A, unknown],
    ['web.service.a.b.dc.consul', A, unknown],
    // RFC 2782, with a tag in the place of the protocol.
    ['_web._tcp.service.consul', SRV, service('web')],
    ['_web._tcp.service.consul', A, service('web')],
    ['_web._primary.service.consul', SRV, service('web', 'primary')],
    ['_web._udp.service.consul', SRV, service('web', 'udp')],
    ['_web._tcp.consul', SRV, service('web')],
    ['_web._primary.dc2.consul', SRV, service('web', 'primary', 'dc2')],
    ['_web._primary.dc2.dc.consul', SRV, service('web', 'primary', 'dc2')],
    ['_web._tcp.consul', A, unknown],
    ['a._web._tcp.service.consul', SRV, service('_tcp', 'a._web')],
    // The rightmost kind counts, so services and nodes may be called like kinds.
    ['service.service.consul', A, service('service')],
    ['web.node.service.consul', A, service('node', 'web')],
    ['web.service.node.consul', A, { kind: 'node', node: 'web.service', datacenter: '' }],
    ['my-node.node.consul', A, { kind: 'node', node: 'my-node', datacenter: '' }],
    ['my.node.with.dots.node.dc1.consul', A, { kind: 'node', node: 'my.node.with.dots', datacenter: 'dc1' }],
    ['0a000001.addr.consul', A, { kind: 'address', digits: '0a000001' }],
    ['0a000001.addr.anywhere.consul', A, { kind: 'address', digits: '0a000001' }],
    ['20010db8000000000000000000000005.addr.consul', A, { kind: 'address', digits: '20010db8000000000000000000000005' }],
    ['0a00001.addr.consul', A, unknown],
    ['0a00000g.addr.consul', A, unknown],
    ['a.0a000001.addr.consul', A, unknown],
    ['geo.query.consul', A, query('geo')],
    ['geo.near.query.dc1.consul', A, query('geo.near', 'dc1')],
    ['_geo._tcp.query.consul', SRV, query('geo')],
    ['_geo.near._tcp.query.consul', SRV, query('geo.near')],
    ['web.connect.consul', A, unknown],
    ['a.b.c.consul', A, unknown],
    ['consul', A, { kind: 'apex' }],
    ['service.consul', A, between()],
    ['node.dc1.consul', A, between('dc1')],
    ['_tcp.service.consul', A, between()],
    ['dc1.consul', A, between('dc1')],
    ['dc1.dc.consul', A, between('dc1')],
    ['dc.consul', A, between()],
    ['example.org', A, foreign],
    ['consul.example.org', A, foreign],
    ['notconsul', A, foreign],
    ['', A, foreign],
  ])('%s (type %i)', (name, type, asked) => {
    expect(parseName(name === '' ? [] : name.split('.'), type, ['consul'])).toEqual(asked);
  });

  it.each<[name: string, type: number, asked: Asked]>([
    ['web.service.team-a.ns.consul', A, service('web', '', '', 'team-a')],
    ['primary.web.service.team-a.ns.consul', A, service('web', 'primary', '', 'team-a')],
    ['v1.2.web.service.team-a.ns.default.ap.dc1.dc.consul', A, service('web', 'v1.2', 'dc1', 'team-a')],
    ['web.service.default.ns.consul', A, service('web')],
    ['web.service.default.ap.consul', A, service('web')],
    ['web.service.dc1.dc.team-a.ns.consul', A, service('web', '', 'dc1', 'team-a')],
    ['_web._tcp.service.team-a.ns.consul', SRV, service('web', '', '', 'team-a')],
    ['_web._primary.service.team-a.ns.dc1.dc.consul', SRV, service('web', 'primary', 'dc1', 'team-a')],
    ['_web._tcp.team-a.ns.consul', SRV, service('web', '', '', 'team-a')],
    ['geo.query.team-a.ns.consul', A, query('geo', '', 'team-a')],
    ['_geo._tcp.query.team-a.ns.dc1.dc.consul', SRV, query('geo', 'dc1', 'team-a')],
    ['0a000001.addr.team-a.ns.consul', A, { kind: 'address', digits: '0a000001' }],
    // Nodes are in no namespace.
    ['n1.node.default.ns.consul', A, { kind: 'node', node: 'n1', datacenter: '' }],
    ['n1.node.team-a.ns.consul', A, unknown],
    ['n1.node.default.ap.dc1.dc.consul', A, { kind: 'node', node: 'n1', datacenter: 'dc1' }],
    // A namespace may have the name of a kind, and a service the name of a scope.
    ['web.service.service.ns.consul', A, service('web', '', '', 'service')],
    ['web.service.node.ns.consul', A, service('web', '', '', 'node')],
    ['geo.query.query.ns.consul', A, query('geo', '', 'query')],
    ['_web._tcp.service.ns.consul', SRV, service('web', '', '', 'service')],
    ['ns.service.consul', A, service('ns')],
    ['ns.dc.service.team-a.ns.consul', A, service('dc', 'ns', '', 'team-a')],
    // There is one partition, no peer and no sameness group.
    ['web.service.other.ap.consul', A, unknown],
    ['web.service.team-a.ns.team-b.ns.consul', A, unknown],
    ['web.service.east.peer.consul', A, unknown],
    ['web.service.team-a.dc1.consul', A, unknown],
    ['web.service.team-a.ns.dc1.consul', A, unknown],
    ['web.service.ns.consul', A, unknown],
    ['service.team-a.ns.consul', A, between()],
    ['_web.service.team-a.ns.dc1.dc.consul', A, between('dc1')],
    ['team-a.ns.consul', A, between()],
    ['team-a.ns.dc1.dc.consul', A, between('dc1')],
    ['ns.dc1.dc.consul', A, between('dc1')],
    ['ns.consul', A, between()],
    ['ap.consul', A, between()],
  ])('name a namespace: %s (type %i)', (name, type, asked) => {
    expect(parseName(name.split('.'), type, ['consul'])).toEqual(asked);
  });

  it('end in the configured domain', () => {
    const domain = ['rollcall', 'internal'];
    expect(parseName(['web', 'service', 'rollcall', 'internal'], A, domain)).toEqual(service('web'));
    expect(parseName(['web', 'service', 'internal'], A, domain)).toEqual(foreign);
  });
});

describe('reverse names', () => {
  it.each([
    ['1.0.0.10.in-addr.arpa', '0a000001'],
    ['255.255.255.255.in-addr.arpa', 'ffffffff'],
    [nibbles, '20010db8000000000000000000000005'],
    ['0.0.10.in-addr.arpa', ''],
    ['1.1.0.0.10.in-addr.arpa', ''],
    ['256.0.0.10.in-addr.arpa', ''],
    ['01.0.0.10.in-addr.arpa', ''],
    ['a.0.0.10.in-addr.arpa', ''],
    [nibbles.slice(2), ''],
    ['example.arpa', ''],
    ['arpa', ''],
  ])('%s is %s', (name, digits) => {
    expect(parseName(name.split('.'), types.PTR, ['consul'])).toEqual({ kind: 'reverse', digits });
  });
});
