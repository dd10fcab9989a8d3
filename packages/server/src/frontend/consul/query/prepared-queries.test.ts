/** Prepared queries: kept, found by id, name and template, executed. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { grantor, management } from '../../../security/grantor.case.ts';
import { Consul } from '../consul.case.ts';

let consul: Consul;
beforeEach(async () => {
  consul = await Consul.start();
  const instance = (ID: string, Tags: string[], Status: string, Meta: object = {}) =>
    consul.put('/v1/agent/service/register', { Name: 'web', ID, Tags, Meta, Check: { TTL: '60s', Status } });
  await instance('w1', ['blue', 'eu'], 'passing', { version: '1' });
  await instance('w2', ['green'], 'warning');
  await instance('w3', ['blue'], 'critical');
});
afterEach(() => consul[Symbol.asyncDispose]());

const post = (body: object) => consul.ask('POST', '/v1/query', { body: JSON.stringify(body) });

async function create(body: object): Promise<string> {
  const answer = await post(body);
  expect([answer.status, answer.text]).toEqual([200, expect.stringContaining('ID')]);
  return answer.json<{ ID: string }>().ID;
}

async function found(name: string, query = ''): Promise<string[]> {
  const answer = await consul.get(`/v1/query/${name}/execute${query}`);
  expect(answer.status).toBe(200);
  const { Nodes } = answer.json<{ Nodes: { Service: { ID: string } }[] }>();
  return Nodes.map(({ Service }) => Service.ID).sort();
}

describe('management', () => {
  test('creates, reads, lists, changes and removes queries', async () => {
    const ID = await create({ Name: 'q', Service: { Service: 'web', Tags: ['a', '!b'] }, DNS: { TTL: '10s' } });
    const [read] = (await consul.get(`/v1/query/${ID}`)).json<{ CreateIndex: number; ModifyIndex: number }[]>();
    expect(read).toEqual({
      ID,
      Name: 'q',
      Session: '',
      Token: '',
      Template: { Type: '', Regexp: '', RemoveEmptyTags: false },
      Service: {
        Service: 'web',
        SamenessGroup: '',
        Failover: { NearestN: 0, Datacenters: null, Targets: null },
        OnlyPassing: false,
        IgnoreCheckIDs: [],
        Near: '',
        Tags: ['a', '!b'],
        NodeMeta: {},
        ServiceMeta: {},
        Connect: false,
        Peer: '',
      },
      DNS: { TTL: '10s' },
      CreateIndex: read?.CreateIndex,
      ModifyIndex: read?.CreateIndex,
    });
    expect((await consul.get('/v1/query')).json()).toEqual([read]);
    const changed = await consul.put(`/v1/query/${ID}`, { Name: 'q', Service: { Service: 'db' } });
    expect([changed.status, changed.text]).toEqual([200, '']);
    const [after] = (await consul.get(`/v1/query/${ID}`)).json<{ CreateIndex: number; ModifyIndex: number }[]>();
    expect(after?.CreateIndex).toBe(read?.CreateIndex);
    expect(after?.ModifyIndex).toBeGreaterThan(read?.ModifyIndex ?? 0);
    expect((await consul.delete(`/v1/query/${ID}`)).status).toBe(200);
    expect((await consul.get('/v1/query')).text).toBe('[]');
    expect((await consul.get(`/v1/query/${ID}`)).status).toBe(404);
  });

  test('accepts Near at the place where npm consul puts it', async () => {
    const ID = await create({ Name: 'q', Near: 'n1', Service: { Service: 'web' } });
    expect((await consul.get(`/v1/query/${ID}`)).text).toContain('"Near":"n1"');
  });

  test('gives a name once, even to many concurrent requests', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => post({ Name: 'one', Service: { Service: 'web' } })));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    const refused = answers.find(({ status }) => status !== 200);
    expect([refused?.status, refused?.text]).toEqual([400, "name 'one' aliases an existing query name"]);
    expect((await consul.get('/v1/query')).json()).toHaveLength(1);
  });

  test('deletes a query that is bound to a session when the session ends', async () => {
    const { ID } = (await consul.put('/v1/session/create')).json<{ ID: string }>();
    await create({ Session: ID, Service: { Service: 'web' } });
    const { index } = await consul.get('/v1/query');
    const waiting = consul.get(`/v1/query?index=${index}&wait=60s`);
    await consul.untilParked(1);
    await consul.put(`/v1/session/destroy/${ID}`);
    expect((await waiting).text).toBe('[]');
    const records = [...consul.server.registry.state.rows()].filter(([key]) => key.startsWith('query\0default\0'));
    expect(records).toEqual([]);
  });

  test.each([
    [{ Name: 'x', Service: {} }, 400, 'Invalid prepared query: Must provide a Service name to query'],
    [{ Service: { Service: 'x' } }, 400, 'Invalid prepared query: Must be bound to a session'],
    [
      { Name: 'x', Service: { Service: 'x', Near: 'n'.repeat(20_000) } },
      400,
      expect.stringMatching(/^Invalid prepared query: Service has \d+ bytes, the limit is 16384$/),
    ],
    [
      { Name: 'x', Service: { Service: 'x', Failover: { NearestN: -1 } } },
      400,
      "Invalid prepared query: Bad NearestN '-1', must be >= 0",
    ],
    [
      { Name: 'x', Service: { Service: 'x', Failover: { NearestN: 1, Targets: [{ Peer: 'p' }] } } },
      400,
      'Invalid prepared query: Targets cannot be populated with NearestN or Datacenters',
    ],
    [
      { Name: 'x', Service: { Service: 'x', NodeMeta: { '${a}': 'b' } } },
      400,
      "Invalid prepared query: Couldn't load metadata pair ('${a}', 'b'): Key contains invalid characters",
    ],
    ...['${nope}: unknown variable accessed: nope', '${upper(name.full)}: unknown function called: upper', '${match()}: match: expected 1 arguments, got 0'].map(
      (told): [object, number, unknown] => {
        const [text = ''] = told.split(':');
        const message = `failed compiling template: Bad evaluation for '${text}' in Service.Service: 1:3${told.slice(text.length)}`;
        return [{ Name: 'x', Template: { Type: 'name_prefix_match' }, Service: { Service: text } }, 400, message];
      },
    ),
    ...[['${match(1', '1:10: expected ")" but found end of string'], ['a${}', '1:4: expected expression but found "}"'], ['${', '1:3: expected expression but found end of string'], ['${1+2}', '1:4: expected "}" but found "+"']].map(
      ([text, told]): [object, number, unknown] => [
        { Name: 'x', Template: { Type: 'name_prefix_match' }, Service: { Service: text } },
        400,
        `failed compiling template: Bad format '${text}' in Service.Service: parse error at ${told}`,
      ],
    ),
    [{ ID: 'x', Service: { Service: 'x' } }, 400, 'ID must be empty when creating a new prepared query'],
    [{ Name: 'x', Session: 'nope', Service: { Service: 'x' } }, 500, 'invalid session "nope"'],
    [
      { Name: 'x', Service: { Service: 'x' }, DNS: { TTL: 'x' } },
      400,
      expect.stringMatching(/^Invalid prepared query: Bad DNS TTL 'x': /),
    ],
    [
      { Name: 'x', Template: { Type: 'zz' }, Service: { Service: 'x' } },
      400,
      "failed compiling template: Bad Template.Type 'zz'",
    ],
    [
      { Name: 'x', Template: { Type: 'name_prefix_match', Regexp: '(' }, Service: { Service: 'x' } },
      400,
      'failed compiling template: Bad Regexp: error parsing regexp: missing closing ): `(`',
    ],
    [
      { Name: 'x', Template: { Type: 'name_prefix_match' }, Service: { Service: 'x', Tags: ['a', '${b}'] } },
      400,
      "failed compiling template: Bad evaluation for '${b}' in Service.Tags[1]: 1:3: unknown variable accessed: b",
    ],
  ])('refuses %j', async (body, status, text) => {
    const answer = await post(body);
    expect([answer.status, answer.text]).toEqual([status, text]);
    expect((await consul.get('/v1/query')).text).toBe('[]');
  });

  test.each(['GET', 'PUT', 'DELETE'])('%s of an unknown query is a 404', async (method) => {
    const body = method === 'PUT' ? { body: JSON.stringify({ Name: 'n', Service: { Service: 'x' } }) } : {};
    expect((await consul.ask(method, '/v1/query/nope', body)).status).toBe(404);
    expect((await consul.get('/v1/query/nope/execute')).text).toBe('Query not found');
  });
});

describe('execution', () => {
  test.each([
    [{}, ['w1', 'w2']],
    [{ OnlyPassing: true }, ['w1']],
    [{ Tags: ['blue'] }, ['w1']],
    [{ Tags: ['!blue'] }, ['w2']],
    [{ Tags: ['BLUE', 'eu'] }, ['w1']],
    [{ IgnoreCheckIDs: ['service:w3'] }, ['w1', 'w2', 'w3']],
    [{ ServiceMeta: { version: '1' } }, ['w1']],
    [{ NodeMeta: { zone: 'a' } }, []],
    [{ Connect: true }, []],
  ])('%j finds %j', async (more, ids) => {
    const ID = await create({ Name: 'q', Service: { Service: 'web', ...more } });
    expect(await found('q')).toEqual(ids);
    expect(await found(ID)).toEqual(ids);
  });

  test('returns up to the limit of instances in random order', async () => {
    await create({ Name: 'q', Service: { Service: 'web' }, DNS: { TTL: '7s' } });
    const first = new Set<string>();
    for (let run = 0; run < 64; run++) first.add((await found('q', '?limit=1')).join());
    // All 64 draws of two are alike once in 2^63 runs.
    expect([...first].sort()).toEqual(['w1', 'w2']);
    expect((await consul.get('/v1/query/q/execute')).json()).toMatchObject({
      Service: 'web',
      Datacenter: 'dc1',
      DNS: { TTL: '7s' },
      Failovers: 0,
    });
    expect((await consul.get('/v1/query/q/execute?limit=x')).status).toBe(400);
  });

  test('of templates: an exact name comes first, then the longest prefix', async () => {
    const Template = { Type: 'name_prefix_match', RemoveEmptyTags: true };
    await create({ Name: '', Template, Service: { Service: '${name.full}' } });
    await create({ Name: 'find-', Template, Service: { Service: '${name.suffix}', Tags: [''] } });
    await create({ Name: 'find-exact', Service: { Service: 'db' } });
    expect(await found('web')).toEqual(['w1', 'w2']);
    expect(await found('find-web')).toEqual(['w1', 'w2']);
    const explained = async (name: string) =>
      (await consul.get(`/v1/query/${name}/explain`)).json<{ Query: { Service: object } }>().Query.Service;
    expect(await explained('find-web')).toMatchObject({ Service: 'web', Tags: [] });
    expect(await explained('find-exact')).toMatchObject({ Service: 'db' });
    expect(await explained('other')).toMatchObject({ Service: 'other' });
  });

  test('of a template uses its captures as Consul does', async () => {
    const Template = { Type: 'name_prefix_match', Regexp: '^geo-db-(.*?)-([^\\-]+?)$' };
    const Service = {
      Service: 'mysql-${match(1)}',
      Tags: ['${match(2)}', '${agent.segment}x${ name.suffix }', '$${name.full}', '${match(9)}${match(-1)}${7}'],
      NodeMeta: { zone: '${name.prefix}' },
      Failover: { Datacenters: ['${match(2)}'] },
    };
    const ID = await create({ Name: 'geo-db', Template, Service });
    const explained = async (name: string) =>
      (await consul.get(`/v1/query/${name}/explain`)).json<{ Query: { Service: object } }>().Query.Service;
    expect(await explained('geo-db-east-main')).toMatchObject({
      Service: 'mysql-east',
      Tags: ['main', 'x-east-main', '${name.full}', '7'],
      NodeMeta: { zone: 'geo-db' },
      Failover: { NearestN: 0, Datacenters: ['main'], Targets: null },
    });
    expect(await explained('geo-db-east')).toMatchObject({ Service: 'mysql-', Tags: ['', 'x-east', '${name.full}', '7'] });
    // The lookup ignores case. The pattern does not, and the rest of the name keeps its case.
    expect(await explained('GEO-DB-e-m')).toMatchObject({ Service: 'mysql-', Tags: ['', 'xGEO-DB-e-m', '${name.full}', '7'] });
    const byId = await consul.get(`/v1/query/${ID}/execute`);
    expect([byId.status, byId.text]).toEqual([
      400,
      'prepared query templates can only be resolved up by name, not by ID',
    ]);
  });

  test('refuses a hostile pattern, or an endless text, without a stall', async () => {
    const Type = 'name_prefix_match';
    await create({ Name: 'slow', Template: { Type, Regexp: '((((a?){9}){5})+)+b$' }, Service: { Service: 'web' } });
    await create({ Name: 'long', Template: { Type }, Service: { Service: '${name.full}'.repeat(30), Near: '${name.full}'.repeat(500) } });
    const slow = await consul.get(`/v1/query/slow${'a'.repeat(1_000)}/execute`);
    expect([slow.status, slow.text]).toEqual([500, 'the pattern takes too long; make it shorter or repeat less']);
    const long = await consul.get(`/v1/query/long${'a'.repeat(1_000)}/explain`);
    expect([long.status, long.text]).toEqual([500, expect.stringMatching(/the limit is 65536$/)]);
    expect((await consul.get(`/v1/query/slow${'a'.repeat(2_000)}/execute`)).status).toBe(404);
  });

  test('compares names without regard to case, also of templates', async () => {
    await create({ Name: 'Q', Service: { Service: 'web' } });
    expect(await found('q')).toEqual(['w1', 'w2']);
    const template = { Name: 'q', Template: { Type: 'name_prefix_match' }, Service: { Service: 'web' } };
    expect((await post(template)).text).toBe("name 'q' aliases an existing query name");
    await create({ ...template, Name: '' });
    expect((await post({ ...template, Name: '' })).text).toBe('a query template with an empty name already exists');
  });

  test('skips other datacenters, counts peers, and finds nothing there', async () => {
    const Failover = { Targets: [{ Datacenter: 'dc2' }, { Peer: 'a' }, { Peer: 'b' }] };
    await create({ Name: 'none', Service: { Service: 'none', Failover } });
    await create({ Name: 'some', Service: { Service: 'web', Failover } });
    await create({ Name: 'other', Service: { Service: 'none', Failover: { NearestN: 3, Datacenters: ['dc2'] } } });
    const executed = async (name: string) => (await consul.get(`/v1/query/${name}/execute`)).json();
    expect(await executed('none')).toMatchObject({ Nodes: [], Datacenter: '', PeerName: 'b', Failovers: 2 });
    expect(await executed('some')).toMatchObject({ Datacenter: 'dc1', PeerName: '', Failovers: 0 });
    expect(await executed('other')).toMatchObject({ Nodes: [], Datacenter: 'dc1', PeerName: '', Failovers: 0 });
  });
});

describe('a query of a service in another namespace', () => {
  const own = { Name: 'own', Service: { Service: 'web', Tags: ['blue'], OnlyPassing: true } };
  const other = { Name: 'other', Service: { Service: 'web', Namespace: 'team-a' } };

  async function fill(to: Consul, token = ''): Promise<void> {
    const headers = { 'X-Consul-Token': token };
    await to.createNamespace('team-a', token);
    await to.put('/v1/agent/service/register?ns=team-a', { Name: 'web', ID: 'a1' }, { headers });
    for (const query of [own, other]) expect((await to.ask('POST', '/v1/query', { headers, body: JSON.stringify(query) })).status).toBe(200);
  }

  test('shows the namespace and looks there, or in its own if it names none', async () => {
    await fill(consul);
    expect([await found('own'), await found('other')]).toEqual([['w1'], ['a1']]);
    expect((await consul.get('/v1/query')).json<{ Name: string; Service: object }[]>().find(({ Name }) => Name === 'other')?.Service).toMatchObject({ Namespace: 'team-a' });
    expect((await consul.get('/v1/query/other/execute')).json()).toMatchObject({ Nodes: [{ Service: { Namespace: 'team-a' } }] });
    await create({ Name: 'to-', Template: { Type: 'name_prefix_match' }, Service: { Service: '${name.suffix}', Namespace: 'team-a' } });
    expect(await found('to-web')).toEqual(['a1']);
    expect((await consul.get('/v1/query/own?ns=team-a')).status).toBe(404);
    // It may be back in its own namespace.
    const ID = await create({ Name: 'moved', Service: { Service: 'web', Namespace: 'nowhere' } });
    expect(await found('moved')).toEqual([]);
    await consul.put(`/v1/query/${ID}`, { ...own, Name: 'moved' });
    expect(await found('moved')).toEqual(['w1']);
  });

  test.each(['*', 'a.b', '${name.full}'])('is refused for the namespace %s', async (Namespace) => {
    const answer = await post({ Name: 'x', Template: { Type: 'name_prefix_match' }, Service: { Service: 'web', Namespace } });
    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining('Invalid namespace')]);
  });

  test('shows each caller what it may read there, without a hint of a namespace that is hidden from it', async () => {
    await using guarded = await Consul.start({ acl: { initialManagement: management } });
    await fill(guarded, management);
    const grants = grantor(guarded.server.registry);
    const nodes = 'node_prefix "" { policy = "read" }';
    const services = `service_prefix "" { policy = "read" } ${nodes}`;
    const execute = async (rules: string) => {
      const { secret } = await grants.token(rules);
      const answer = await guarded.get('/v1/query/other/execute', { headers: { 'X-Consul-Token': secret } });
      expect(answer.status).toBe(200);
      return [answer.json<{ Nodes: { Service: { ID: string } }[] }>().Nodes.map(({ Service }) => Service.ID), answer.headers['x-consul-results-filtered-by-acls']];
    };
    expect(await execute(services)).toEqual([[], undefined]);
    expect(await execute(`namespace "team-a" { service "web" { policy = "read" } ${nodes} }`)).toEqual([['a1'], undefined]);
    expect(await execute(`${services} namespace "team-a" { service "api" { policy = "read" } ${nodes} }`)).toEqual([[], 'true']);
    grants.close();
  });
});
