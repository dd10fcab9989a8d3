/**
 * Every route, with every method, for every kind of caller: one that brings no token, a wrong one, one that may read what
 * the route declares, one that may write it, one that may write everything else, and one that may do
 * everything. The expected result follows from the declaration in the route table alone; default policy deny.
 */

import { generateKeyPairSync } from 'node:crypto';
import { Agent, request as send } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { allQueries, findQuery } from '../../registry/kind/query/find.ts';
import { findRecord, recordsOfType } from '../../registry/kind/record/find.ts';
import { findSession } from '../../registry/kind/session/find.ts';
import type { Access } from '../../security/access.ts';
import { recordTypes } from '../../security/records.ts';
import { namedResources, scalarResources } from '../../security/rules.ts';
import { type Fixture, type Sample, samples } from './access-samples.case.ts';
import { Consul, lasting } from './consul.case.ts';
import type { Action } from './request/route.ts';
import { routeTable } from './routes.ts';

const management = 'a management token';

interface Row {
  readonly name: string;
  readonly method: string;
  readonly access: Access;
  /** The request is about all namespaces; for the routes that take it. */
  readonly everyNamespace: boolean;
}

const rows: Row[] = routeTable(lasting).flatMap(({ path, methods }) =>
  Object.entries(methods as Readonly<Record<string, Action>>).flatMap(([method, action]): Row[] => {
    const one = { name: `${method} ${path}`, method, access: action.access, everyNamespace: false };
    // The sample of `/v1/kv/` is one key, which is in one namespace.
    const takesAll = 'read' in action && action.everyNamespace !== undefined && path !== '/v1/kv/:key';
    return takesAll ? [one, { ...one, everyNamespace: true }] : [one];
  }),
);

let consul: Consul;
const agent = new Agent({ keepAlive: true });
const tokens = new Map<string, string>();

beforeAll(async () => {
  consul = await Consul.start({ acl: { initialManagement: management } });
});
afterAll(async () => {
  agent.destroy();
  await consul[Symbol.asyncDispose]();
});

interface Outcome {
  readonly status: number;
  readonly text: string;
  readonly filtered: boolean;
}

/** @param from another address for each row: wrong tokens from one address are slowed down */
function ask(method: string, path: string, token: string | undefined, sample: Sample, from: string): Promise<Outcome> {
  const { body } = sample;
  const bytes = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const headers = { ...(token === undefined ? {} : { 'x-consul-token': token }), 'content-length': Buffer.byteLength(bytes) };
    const options = { host: '127.0.0.1', port: consul.server.ports.http, localAddress: from, agent, method, path, headers };
    const request = send(options, (response) => {
      const status = response.statusCode ?? 0;
      const filtered = response.headers['x-consul-results-filtered-by-acls'] === 'true';
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve({ status, text: Buffer.concat(chunks).toString('latin1'), filtered }));
    });
    request.on('error', reject);
    request.end(bytes);
  });
}

async function manage<T>(method: string, path: string, body?: unknown): Promise<T> {
  const headers = { 'x-consul-token': management };
  const answer = await consul.ask(method, path, { headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  if (answer.status !== 200) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
  return (answer.text === '' ? undefined : answer.json()) as T;
}

/** A token with these rules, made once. */
async function tokenWith(rules: string): Promise<string> {
  const known = tokens.get(rules);
  if (known !== undefined) return known;
  const { ID } = await manage<{ ID: string }>('PUT', '/v1/acl/policy', { Name: `matrix-${tokens.size}`, Rules: rules });
  const { SecretID } = await manage<{ SecretID: string }>('PUT', '/v1/acl/token', { Policies: [{ ID }] });
  tokens.set(rules, SecretID);
  return SecretID;
}

const everything = [...scalarResources, ...namedResources, 'intention' as const];
type AnyResource = (typeof everything)[number];

function ruleFor(resource: AnyResource, level: 'read' | 'write' | 'deny'): string {
  if ((scalarResources as readonly string[]).includes(resource)) return `${resource} = "${level}"`;
  if (resource === 'intention') return `service_prefix "" { policy = "${level}" intentions = "${level}" }`;
  return `${resource}_prefix "" { policy = "${level}" }`;
}

function declared(access: Access): AnyResource[] {
  if (access.kind === 'filters') return [...access.resources] as AnyResource[];
  return access.kind === 'open' || access.kind === 'own-proof' ? [] : [access.resource as AnyResource];
}

/** May write everything but what is declared. */
function rulesForOthers(access: Access, also: Sample['also'] = []): string {
  const closed = new Set<AnyResource>([...declared(access), ...also]);
  return everything
    .filter((resource) => resource !== 'intention')
    .map((resource) => ruleFor(resource, closed.has(resource) ? 'deny' : 'write'))
    .join('\n');
}

/** Creates the missing ones of the rows that a request may be about. */
async function arrange(): Promise<Fixture> {
  const { registry } = consul.server;
  const { state } = registry;
  await registry.submit({
    kind: 'register',
    namespace: 'default',
    node: { name: 'server-1', address: '127.0.0.1' },
    nodeMode: 'ensure',
    instances: [{ id: 'web-1', service: 'web' }],
    checks: [
      { id: 'service:web-1', name: 'web', instance: 'web-1', type: 'ttl', definition: { kind: 'ttl', ttlMs: 600_000 } },
      { id: 'node-check', name: 'node', status: 'passing' },
    ],
  });
  const ext = { kind: 'register', namespace: 'default', node: { name: 'ext', address: '10.0.0.8' }, nodeMode: 'ensure' } as const;
  await registry.submit({ ...ext, instances: [{ id: 'web-2', service: 'web' }] });
  await registry.submit({ kind: 'kv-put', namespace: 'default', key: 'app/key', value: Buffer.from('value'), flags: 0n });
  const coordinate = { segment: '', vector: [0, 0, 0, 0, 0, 0, 0, 0], error: 1.5, adjustment: 0, height: 1e-5 };
  await registry.submit({ kind: 'coordinate-put', node: 'ext', coordinate });
  if ([...recordsOfType(state, '', 'consul-event')].length === 0) await manage('PUT', '/v1/event/fire/deploy');
  const has = (type: string, id: string | undefined) => id !== undefined && findRecord(state, 'default', type, id) !== undefined;
  const { policy, role, query } = known;
  if (known.session === undefined || findSession(state, 'default', known.session) === undefined) {
    known.session = await made('PUT', '/v1/session/create', { NodeChecks: [], TTL: '600s' });
  }
  const search = { Service: { Service: 'web' } };
  if (query === undefined || findQuery(state, 'default', query) === undefined) known.query = await made('POST', '/v1/query', { Name: 'fixture', ...search });
  else await manage('PUT', `/v1/query/${query}`, { Name: 'fixture', ...search });
  if (!has(recordTypes.policy, policy)) known.policy = await made('PUT', '/v1/acl/policy', { Name: 'fixture' });
  if (!has(recordTypes.role, role)) known.role = await made('PUT', '/v1/acl/role', { Name: 'fixture' });
  if (!has(recordTypes.method, 'fixture')) await manage('PUT', '/v1/acl/auth-method', method);
  const bind = { AuthMethod: 'fixture', BindType: 'service', BindName: 'web' };
  if (!has(recordTypes.bindingRule, known.rule)) known.rule = await made('PUT', '/v1/acl/binding-rule', bind);
  if (!has(recordTypes.token, known.token)) known.token = await made('PUT', '/v1/acl/token', {});
  for (const { id, query: { name } } of [...allQueries(state, 'default')]) {
    if (name === 'another') await registry.submit({ kind: 'query-delete', namespace: 'default', id });
  }
  for (const type of [recordTypes.policy, recordTypes.role]) {
    for (const { id, value } of [...recordsOfType(state, 'default', type)]) {
      const { name, Name = name } = value as { name?: string; Name?: string };
      if (Name === 'another') await registry.submit({ kind: 'record-delete', namespace: 'default', type, id });
    }
  }
  return known as Fixture;
}

const known: { -readonly [K in keyof Fixture]?: string } = {};

async function made(verb: string, path: string, body: object): Promise<string> {
  const { ID, AccessorID = ID } = await manage<{ ID: string; AccessorID?: string }>(verb, path, body);
  return AccessorID;
}

const { publicKey } = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});
const method = { Name: 'fixture', Type: 'jwt', Config: { JWTValidationPubKeys: [publicKey], ClaimMappings: { sub: 'sub' } } };

test('every route declares its access and has a sample request', () => {
  expect(Object.keys(samples).sort()).toEqual([...new Set(rows.map(({ name }) => name))].sort());
});

describe.each(rows.filter(({ name }) => Object.hasOwn(samples, name)))('$name (all namespaces: $everyNamespace)', ({ name, method: verb, access, everyNamespace }) => {
  const sample = samples[name] as Sample;
  const { ok = 200, denied = 403 } = sample;
  const from = `127.0.1.${1 + (rows.findIndex((row) => row.name === name) % 250)}`;

  const cell = async (token: string | undefined) => {
    const fixture = await arrange();
    const path = typeof sample.path === 'string' ? sample.path : sample.path(fixture);
    return ask(verb, everyNamespace ? `${path}${path.includes('?') ? '&' : '?'}ns=*` : path, token, sample, from);
  };

  const expectations = {
    allowed: ({ status }: Outcome) => expect(status).toBe(ok),
    denied: ({ status, text }: Outcome) => {
      expect([status, text]).toEqual([denied, expect.stringContaining('Permission denied: ')]);
    },
  };

  if (access.kind === 'open' || access.kind === 'own-proof') {
    test('is the same for every caller', async () => {
      for (const token of [undefined, 'wrong', management]) expectations.allowed(await cell(token));
    });
    return;
  }

  test('refuses a wrong token', async () => {
    const { status, text } = await cell('wrong');
    expect([status, text]).toEqual([403, 'ACL not found']);
  });

  const reading = () => tokenWith(declared(access).map((resource) => ruleFor(resource, 'read')).join('\n'));
  const writing = () => tokenWith(declared(access).map((resource) => ruleFor(resource, 'write')).join('\n'));
  const others = () => tokenWith(rulesForOthers(access, sample.also));

  if (access.kind === 'filters') {
    if (sample.nothing === true) return;
    test('shows nothing to callers without a right to read it, and everything to the others', async () => {
      const whole = await cell(management);
      expect(whole.status).toBe(200);
      expect(JSON.parse(whole.text)).not.toEqual(sample.empty);
      const [none, other] = [await cell(undefined), await cell(await others())];
      for (const { status, text } of [none, other]) expect([status, JSON.parse(text)]).toEqual([200, sample.empty]);
      // A caller without a token does not learn that rows were left out.
      expect([whole.filtered, none.filtered, other.filtered]).toEqual([false, false, true]);
      for (const token of [await reading(), await writing()]) {
        const seen = await cell(token);
        expect([seen.status, shapeOf(seen.text), seen.filtered]).toEqual([200, shapeOf(whole.text), false]);
      }
    });
    return;
  }

  test(`demands ${access.resource}:${access.verb}`, async () => {
    expectations.denied(await cell(undefined));
    expectations.denied(await cell(await others()));
    const reader = await cell(await reading());
    if (access.verb === 'write') expectations.denied(reader);
    else expectations.allowed(reader);
    expectations.allowed(await cell(await writing()));
    expectations.allowed(await cell(management));
  });
});

/** How much is in an answer: ids and revisions differ from one arrangement to the next. */
function shapeOf(text: string): unknown {
  const value: unknown = JSON.parse(text);
  return Array.isArray(value) ? value.length : Object.keys(value ?? {}).sort();
}
