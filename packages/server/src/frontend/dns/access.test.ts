/** What DNS tells with access control, over a real server: never more than the default token may read. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AccessOptions } from '../../server-options.ts';
import { createServer, type Server } from '../../server.ts';
import { grantor, management, type Grantor } from '../../security/grantor.case.ts';
import { findQuery } from '../../registry/kind/query/find.ts';
import { manualClock } from '../../manual-clock.case.ts';
import { startRegistry } from './dns.case.ts';
import { NameAccess } from './access.ts';
import { decoded, queryPacket, type QueryType } from './ask.case.ts';
import { Responder } from './responder.ts';
import { ttlsOf } from './ttls.ts';
import { Acl } from '../../security/acl.ts';

let server: Server;
let grants: Grantor;
let acl: Acl;
let names: Responder;

/** The responder of a server's DNS without its sockets: every answer is there in the turn of its question. */
async function start(access: AccessOptions = {}): Promise<void> {
  server = await createServer({ acl: { initialManagement: management, ...access }, nodeName: 'here' });
  grants = grantor(server.registry);
  const clock = manualClock();
  acl = new Acl({
    ...{ registry: server.registry, clock },
    config: { enabled: true, defaultPolicy: 'deny', datacenter: 'dc1', ...access },
  });
  server.registry.observe(acl);
  acl.start();
  names = new Responder({
    registry: server.registry,
    clock,
    zone: { domain: 'consul', datacenter: 'dc1', node: { name: 'here', address: '127.0.0.1' }, ttls: ttlsOf({}), onlyPassing: false },
    limits: { udpBytesMax: 1_232, udpRecordsMax: 3 },
    tellWhenCut: false,
    recursion: false,
    random: () => 0.5,
    access: new NameAccess(acl),
  });
  await names.prepareAddresses();
  for (const [id, service, address] of [['n1', 'web', '10.0.0.1'], ['n2', 'web', '10.0.0.2'], ['n3', 'db', '10.0.0.3']] as const) {
    await server.registry.submit({
      kind: 'register',
      namespace: 'default',
      node: { name: id, address },
      nodeMode: 'update',
      instances: [{ id, service, address: address.replace('10.0', '10.9'), port: 80 }],
    });
  }
  const service = {
    ...{ name: 'web', failover: { nearest: 0, datacenters: null, targets: null }, onlyPassing: false, ignoredChecks: [] },
    ...{ near: '', tags: [], nodeMeta: {}, meta: {}, connect: false },
  };
  const query = { name: 'find-web', session: '', template: { type: '', pattern: '', removeEmptyTags: false }, ttl: '', service } as const;
  await server.registry.submit({ kind: 'query-put', namespace: 'default', id: 'find-web', query, update: false });
}

beforeEach(() => start());
afterEach(async () => {
  grants.close();
  acl.close();
  await server.close();
});

function ask(name: string, type: QueryType = 'A'): { rcode: string; answers: string[] } {
  const response = names.respond(queryPacket(name, type), true);
  if (typeof response === 'string') throw new Error(response);
  const { rcode, answers } = decoded(response);
  return { rcode, answers: answers.map((each) => JSON.stringify('data' in each ? each.data : '')).toSorted() };
}

const addresses = (name: string) => ask(name).answers.map((text) => JSON.parse(text) as string);

/** Each kind of question, and the answer for a caller that may read everything. */
const questions: readonly [name: string, type: QueryType, needs: string, found: boolean][] = [
  ['web.service.consul', 'A', 'service', true],
  ['web.service.consul', 'SRV', 'service', true],
  ['_web._tcp.service.consul', 'SRV', 'service', true],
  // A caller that may not see the service sees nothing through a query, which needs no permission itself.
  ['find-web.query.consul', 'A', 'service', true],
  ['find-web.query.consul', 'SRV', 'service', true],
  ['n1.node.consul', 'A', 'node', true],
  ['n1.node.consul', 'TXT', 'node', false],
  ['1.0.0.10.in-addr.arpa', 'PTR', 'node', true],
  ['1.0.9.10.in-addr.arpa', 'PTR', 'service', true],
  ['0a000001.addr.consul', 'A', '', true],
  ['consul', 'SOA', '', true],
  ['consul', 'NS', '', true],
];

/** The callers, and the kinds of names whose records each may see. */
const callers: readonly [who: string, rules: string | undefined, told: readonly string[]][] = [
  ['no token', undefined, []],
  ['read', 'service_prefix "" { policy = "read" } node_prefix "" { policy = "read" }', ['service', 'node']],
  ['write', 'service_prefix "" { policy = "write" } node_prefix "" { policy = "write" }', ['service', 'node']],
  ['services without nodes', 'service_prefix "" { policy = "read" }', []],
  ['nodes without services', 'node_prefix "" { policy = "read" }', ['node']],
  ['everything else', 'key_prefix "" { policy = "write" } operator = "write" acl = "write"', []],
];

describe('the matrix', () => {
  it.each(callers)('%s', async (_who, rules, told) => {
    if (rules !== undefined) await grants.allCallers(rules);
    for (const [name, type, needs, found] of questions) {
      const allowed = needs === '' || told.includes(needs);
      expect([name, type, ask(name, type).answers.length > 0], `${name} ${type}`).toEqual([name, type, allowed && found]);
    }
  });

  it('management, as the default token', async () => {
    grants.close();
    acl.close();
    await server.close();
    await start({ defaultToken: management });
    for (const [name, type, , found] of questions) expect(ask(name, type).answers.length > 0, `${name} ${type}`).toBe(found);
  });

  it('with a wrong default token the server fails instead of answering "no such name"', async () => {
    acl.setDefaultToken('an unknown secret');
    for (const name of ['web.service.consul', 'n1.node.consul', 'no.service.consul']) expect(ask(name).rcode).toBe('SERVFAIL');
    expect(ask('www.example.org').rcode).toBe('REFUSED');
  });
});

describe('what may be read', () => {
  it('is one service but not another, which then does not exist', async () => {
    await grants.allCallers('service "web" { policy = "read" } node_prefix "" { policy = "read" }');
    expect(addresses('web.service.consul')).toEqual(['10.9.0.1', '10.9.0.2']);
    expect(ask('db.service.consul')).toEqual(ask('none.service.consul'));
    expect(ask('3.0.9.10.in-addr.arpa', 'PTR').answers).toEqual([]);
  });

  it('leaves out instances on nodes that may not be read', async () => {
    await grants.allCallers('service_prefix "" { policy = "read" } node "n2" { policy = "read" }');
    expect(addresses('web.service.consul')).toEqual(['10.9.0.2']);
    expect(addresses('find-web.query.consul')).toEqual(['10.9.0.2']);
    expect(ask('db.service.consul').rcode).toBe('NXDOMAIN');
    expect(ask('n1.node.consul').rcode).toBe('NXDOMAIN');
    expect(ask('1.0.9.10.in-addr.arpa', 'PTR').answers).toEqual([]);
    expect(ask('2.0.0.10.in-addr.arpa', 'PTR').answers).toEqual(['"n2.node.dc1.consul"']);
  });

  it('applies at once to the addresses of a large registry', async () => {
    await grants.allCallers('service_prefix "" { policy = "read" } node_prefix "" { policy = "read" }');
    const many = Array.from({ length: 5_000 }, (_, n) => ({ id: `m${n}`, service: 'many', address: `10.8.${n >> 8}.${n & 255}`, port: 80 }));
    for (let at = 0; at < many.length; at += 500) {
      await server.registry.submit({ kind: 'register', namespace: 'default', node: { name: 'n4', address: '10.0.0.4' }, nodeMode: 'ensure', instances: many.slice(at, at + 500) });
    }
    expect(ask('3.0.0.10.in-addr.arpa', 'PTR').answers).toEqual(['"n3.node.dc1.consul"']);
    expect(ask('1.0.8.10.in-addr.arpa', 'PTR').answers).toEqual(['"many.service.dc1.consul"']);
    await grants.allCallers('service "web" { policy = "read" } node "n2" { policy = "read" }');
    // At once.
    expect(ask('3.0.0.10.in-addr.arpa', 'PTR').answers).toEqual([]);
    expect(ask('1.0.8.10.in-addr.arpa', 'PTR').answers).toEqual([]);
    expect(ask('2.0.0.10.in-addr.arpa', 'PTR').answers).toEqual(['"n2.node.dc1.consul"']);
  });

  it('needs no permission for a node where an instance has none', async () => {
    await server.registry.submit({
      kind: 'register',
      namespace: 'default',
      node: { name: '', address: '' },
      nodeMode: 'none',
      instances: [{ id: 'free', service: 'free', address: '10.9.8.7', port: 80 }],
    });
    await grants.allCallers('service "free" { policy = "read" }');
    expect(addresses('free.service.consul')).toEqual(['10.9.8.7']);
    expect(ask('free.service.consul', 'SRV').answers).toHaveLength(1);
    expect(ask('7.8.9.10.in-addr.arpa', 'PTR').answers).toEqual(['"free.service.dc1.consul"']);
    await grants.allCallers('service "web" { policy = "read" }');
    expect(ask('free.service.consul').rcode).toBe('NXDOMAIN');
  });

  it('is different in each namespace, and no answer reveals that another namespace exists', async () => {
    await server.registry.submit({ kind: 'namespace-put', name: 'team-a' });
    await server.registry.submit({
      kind: 'register',
      namespace: 'team-a',
      node: { name: 'n1', address: '10.0.0.1' },
      nodeMode: 'ensure',
      instances: [{ id: 'a', service: 'web', address: '10.9.9.9', port: 80 }],
    });
    const all = 'service_prefix "" { policy = "read" } node_prefix "" { policy = "read" }';
    const inTeamA = ['web.service.team-a.ns.consul', '9.9.9.10.in-addr.arpa'] as const;
    await grants.allCallers(all);
    expect(addresses('web.service.consul')).toEqual(['10.9.0.1', '10.9.0.2']);
    expect(ask(inTeamA[0])).toEqual(ask('web.service.team-b.ns.consul'));
    expect(ask(inTeamA[1], 'PTR').answers).toEqual([]);
    expect(ask('team-a.ns.consul')).toEqual(ask('team-b.ns.consul'));
    await grants.allCallers(`namespace "team-a" { ${all} }`);
    expect(ask('web.service.consul').rcode).toBe('NXDOMAIN');
    expect(addresses(inTeamA[0])).toEqual(['10.9.9.9']);
    expect(ask(inTeamA[1], 'PTR').answers).toEqual(['"web.service.team-a.ns.dc1.dc.consul"']);
    // A node itself is in no namespace.
    expect(ask('n1.node.consul').rcode).toBe('NXDOMAIN');
    await grants.allCallers('namespace "team-a" { service_prefix "" { policy = "read" } }');
    expect(ask(inTeamA[0]).rcode).toBe('NXDOMAIN');
  });

  it('limits the results of prepared queries; the queries themselves need no right, as in Consul', async () => {
    const service = {
      ...{ name: '${name.suffix}', failover: { nearest: 0, datacenters: null, targets: null }, onlyPassing: false },
      ...{ ignoredChecks: [], near: '', tags: [], nodeMeta: {}, meta: {}, connect: false },
    };
    const template = { type: 'prefix', pattern: '', removeEmptyTags: false } as const;
    const query = { name: 'find-', session: '', template, service, ttl: '' };
    await server.registry.submit({ kind: 'query-put', namespace: 'default', id: 'q', query, update: false });
    expect(ask('find-web.query.consul').rcode).toBe('NXDOMAIN');
    await grants.allCallers('service "web" { policy = "read" } node_prefix "" { policy = "read" }');
    expect(addresses('find-web.query.consul')).toEqual(['10.9.0.1', '10.9.0.2']);
    expect(ask('find-db.query.consul').rcode).toBe('NXDOMAIN');
    await grants.allCallers('service "web" { policy = "read" } node "n2" { policy = "read" }');
    expect(addresses('find-web.query.consul')).toEqual(['10.9.0.2']);
    await grants.allCallers('node_prefix "" { policy = "read" }');
    expect(ask('find-web.query.consul').rcode).toBe('NXDOMAIN');
  });

  it('may change between two questions, for kept answers, too', async () => {
    const all = 'service_prefix "" { policy = "read" } node_prefix "" { policy = "read" }';
    await grants.allCallers(all);
    expect(addresses('web.service.consul')).toEqual(['10.9.0.1', '10.9.0.2']);
    await grants.allCallers('service "db" { policy = "read" } node_prefix "" { policy = "read" }');
    expect(ask('web.service.consul').rcode).toBe('NXDOMAIN');
    await grants.allCallers(`${all} node "n1" { policy = "deny" }`);
    expect(addresses('web.service.consul')).toEqual(['10.9.0.2']);
    await grants.allCallers(all);
    expect(addresses('web.service.consul')).toEqual(['10.9.0.1', '10.9.0.2']);
  });
});

describe('a namespace without rights', () => {
  /** The questions of the matrix that can name a namespace, about another one. */
  const about = (namespace: string) =>
    questions.filter(([name]) => /\.(service|query)\./.test(name)).map(([name, type]) => [name.replace(/consul$/, `${namespace}.ns.consul`), type] as const);

  beforeEach(async () => {
    await server.registry.submit({ kind: 'namespace-put', name: 'blue' });
    for (const service of ['web', 'azure-svc']) {
      const instance = { id: service, service, address: '10.8.0.1', port: 80, tags: ['azure-tag'] };
      await server.registry.submit({ kind: 'register', namespace: 'blue', node: { name: 'n1', address: '10.0.0.1' }, nodeMode: 'ensure', instances: [instance] });
    }
    const found = findQuery(server.registry.state, 'default', 'find-web');
    await server.registry.submit({ kind: 'query-put', namespace: 'blue', id: 'find-azure', query: found?.query as never, update: false });
  });

  it.each([
    ['no rights', ''],
    ['rights in the default namespace', 'service_prefix "" { policy = "read" } node_prefix "" { policy = "read" }'],
    ['rights in another one', 'namespace "red" { service_prefix "" { policy = "read" } node_prefix "" { policy = "read" } }'],
  ])('answers as one that does not exist, and shows no word of it: %s', async (_who, rules) => {
    await grants.allCallers(rules);
    const names = [...about('blue'), ['azure-svc.service.blue.ns.consul', 'SRV'], ['azure-tag.web.service.blue.ns.consul', 'A']] as [string, QueryType][];
    expect(names.length).toBeGreaterThan(5);
    for (const [name, type] of names) {
      expect([name, ask(name, type)]).toEqual([name, ask(name.replace('.blue.', '.ghost.'), type)]);
    }
    expect(ask('1.0.8.10.in-addr.arpa', 'PTR')).toEqual(ask('9.9.9.10.in-addr.arpa', 'PTR'));
    for (const [name, type] of questions) expect(JSON.stringify(ask(name, type))).not.toMatch(/azure|10\.8\.0\.1/);
  });

  it('answers a caller that has rights there', async () => {
    await grants.allCallers('namespace "blue" { service_prefix "" { policy = "read" } node_prefix "" { policy = "read" } }');
    for (const [name, type] of about('blue').filter(([name]) => name.includes('web'))) expect([name, ask(name, type).answers.length]).toEqual([name, 1]);
    expect(ask('web.service.consul').answers).toEqual([]);
  });
});

describe('kept answers', () => {
  it('stay valid when the rights of another caller change', async () => {
    await grants.allCallers('service_prefix "" { policy = "read" } node_prefix "" { policy = "read" }');
    ask('db.service.consul');
    const { encodings } = names;
    await grants.token('key_prefix "" { policy = "read" }');
    expect(addresses('db.service.consul')).toEqual(['10.9.0.3']);
    expect(names.encodings).toBe(encodings);
  });

  it('of one service stay valid when the rights on another change', async () => {
    const db = 'service "db" { policy = "read" } node_prefix "" { policy = "read" }';
    await grants.allCallers(db);
    ask('db.service.consul');
    const { encodings } = names;
    await grants.allCallers(`${db} service "web" { policy = "read" }`);
    expect(addresses('db.service.consul')).toEqual(['10.9.0.3']);
    expect(names.encodings).toBe(encodings);
  });
});

it('without access control answers contain everything', async () => {
  const open = await startRegistry();
  const access = new NameAccess(open.context.security.acl);
  expect([access.refresh(), access.readsAllNodes('default'), access.reads('team-a', 'service', 'web'), access.epoch]).toEqual([true, true, true, 0]);
  await open.close();
});
