/**
 * Isolation of namespaces, for every route of the table with every method: a token that has no right in a namespace learns
 * nothing of it, changes nothing in it, and is not woken by it. The requests are those of the access matrix
 * (`access-samples.case.ts`), so that a route cannot be added without being tried here.
 *
 * `red` and `blue` hold services, instances, tags, checks, keys, sessions, queries, tokens, policies, roles and auth methods
 * with the same names, and others with unique names. All content of blue has the word `azure` in it.
 */

import { generateKeyPairSync } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { samples, type Fixture, type Sample } from './access-samples.case.ts';
import { Consul, lasting, type Answer } from './consul.case.ts';
import type { Action } from './request/route.ts';
import { routeTable } from './routes.ts';

const management = 'a management token';
/** The word in all that a namespace holds. */
const words = { red: 'crimson', blue: 'azure' } as const;
type Space = keyof typeof words;

interface Row {
  readonly name: string;
  readonly verb: string;
  readonly action: Action;
}

const rows: Row[] = routeTable(lasting).flatMap(({ path, methods }) =>
  Object.entries(methods as Readonly<Record<string, Action>>).map(([verb, action]) => ({ name: `${verb} ${path}`, verb, action })),
);

/**
 * Routes whose answer is about the whole server, for tokens that the operator has given the right to: they show what every
 * namespace holds. No token of this test has these rights.
 */
const wholeServer = ['GET /v1/snapshot', 'PUT /v1/snapshot'];

/** Answers that differ from one request to the next, for every caller. */
const everNew = ['GET /v1/agent/metrics', 'PUT /v1/event/fire/:name'];

const { publicKey } = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});

let consul: Consul;
const fixtures = {} as Record<Space, Fixture>;
/** Secrets of tokens without any right in blue; undefined for a request without a token. */
const tokens = new Map<string, string | undefined>();

/** All kinds of rows of a namespace, with every right to them. */
const everything =
  'acl = "write" key_prefix "" { policy = "write" } service_prefix "" { policy = "write" intentions = "write" } ' +
  'session_prefix "" { policy = "write" } query_prefix "" { policy = "write" } node_prefix "" { policy = "read" }';

beforeAll(async () => {
  // Every login here fails, and those of a slow run are as many in a second as an attack.
  consul = await Consul.start({ acl: { initialManagement: management }, limits: { failuresPerAddressMax: 100_000 } });
  for (const space of ['red', 'blue'] as const) await fill(space);
  const { SecretID } = await manage<{ SecretID: string }>('PUT', '/v1/acl/token?ns=red', {
    Policies: [{ ID: await made('PUT', '/v1/acl/policy?ns=red', { Name: 'all', Rules: everything }) }],
  });
  const inDefault = async (Name: string, Rules: string) => {
    const ID = await made('PUT', '/v1/acl/policy', { Name, Rules });
    return (await manage<{ SecretID: string }>('PUT', '/v1/acl/token', { Policies: [{ ID }] })).SecretID;
  };
  tokens.set('no token', undefined);
  tokens.set('a token of red', SecretID);
  tokens.set('a token of default with rules for red', await inDefault('guest', `namespace "red" { ${everything} }`));
  const shared = 'agent_prefix "" { policy = "write" } event_prefix "" { policy = "write" }';
  // Without `acl`, `operator` and writing nodes, which are rights to what all namespaces share.
  tokens.set('a token of default for all else', await inDefault('local', `${everything.replace('acl = "write"', '')} ${shared}`));
});
afterAll(() => consul[Symbol.asyncDispose]());

async function manage<T>(verb: string, path: string, body?: unknown): Promise<T> {
  const answer = await ask(verb, path, management, body);
  if (answer.status !== 200) throw new Error(`${verb} ${path}: ${answer.status} ${answer.text}`);
  return (answer.text === '' ? undefined : answer.json()) as T;
}

async function made(verb: string, path: string, body: object): Promise<string> {
  const { ID, AccessorID = ID } = await manage<{ ID: string; AccessorID?: string }>(verb, path, body);
  return AccessorID;
}

function ask(verb: string, path: string, token: string | undefined, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  const bytes = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
  return consul.ask(verb, path, { body: bytes, headers: { ...headers, ...(token === undefined ? {} : { 'x-consul-token': token }) } });
}

/** Fills a namespace: each kind of thing once with a name that the other namespace has, too, and once with a unique one. */
async function fill(space: Space): Promise<void> {
  const word = words[space];
  await manage('PUT', '/v1/namespace', { Name: space });
  for (const [Name, ID] of [['web', 'web-1'], [`${word}-svc`, `${word}-1`]]) {
    const Check = { TTL: '600s', Notes: word, Status: 'passing' };
    await manage('PUT', `/v1/agent/service/register?ns=${space}`, { Name, ID, Tags: ['shared', `${word}-tag`], Meta: { owner: word }, Check });
  }
  const Service = { Service: 'web', ID: 'web-2', Meta: { owner: word }, Namespace: space };
  await manage('PUT', '/v1/catalog/register', { Node: 'ext', Address: '10.0.0.8', Service, NodeMeta: {} });
  for (const key of ['app/key', `${word}/key`]) await manage('PUT', `/v1/kv/${key}?ns=${space}`, `${word}-value`);
  const session = await made('PUT', `/v1/session/create?ns=${space}`, { Name: `${word}-session`, TTL: '600s', NodeChecks: [] });
  await manage('PUT', `/v1/kv/${word}/lock?ns=${space}&acquire=${session}`, word);
  await manage('POST', `/v1/query?ns=${space}`, { Name: `${word}-query`, Service: { Service: `${word}-svc` } });
  const query = await made('POST', `/v1/query?ns=${space}`, { Name: 'shared', Service: { Service: 'web', Tags: [`${word}-tag`] } });
  const ids = { session, query, ...(await fillAccess(space, word)) };
  fixtures[space] = ids;
}

async function fillAccess(space: Space, word: string): Promise<Omit<Fixture, 'session' | 'query'>> {
  const ns = `?ns=${space}`;
  const described = { Description: word };
  const [policy = ''] = await Promise.all(
    ['fixture', `${word}-policy`].map((Name) => made('PUT', `/v1/acl/policy${ns}`, { Name, ...described, Rules: `key "${word}" { policy = "read" }` })),
  );
  const [role = ''] = await Promise.all(['fixture', `${word}-role`].map((Name) => made('PUT', `/v1/acl/role${ns}`, { Name, ...described })));
  for (const Name of ['fixture', `${word}-method`]) {
    const Config = { JWTValidationPubKeys: [publicKey], ClaimMappings: { sub: word } };
    await manage('PUT', `/v1/acl/auth-method${ns}`, { Name, Type: 'jwt', ...described, Config });
  }
  const rule = await made('PUT', `/v1/acl/binding-rule${ns}`, { AuthMethod: 'fixture', BindType: 'service', BindName: word, ...described });
  const token = await made('PUT', `/v1/acl/token${ns}`, { ...described, Policies: [{ ID: policy }] });
  return { policy, role, rule, token };
}

interface Request {
  readonly path: string;
  readonly body: unknown;
  readonly headers: Record<string, string>;
}

/** How requests say that they are about a namespace. */
const sayings: Readonly<Record<string, (path: string, body: unknown, space: string) => Request>> = {
  '?ns': (path, body, space) => ({ path: `${path}${path.includes('?') ? '&' : '?'}ns=${space}`, body, headers: {} }),
  'the header': (path, body, space) => ({ path, body, headers: { 'x-consul-namespace': space } }),
  'the body': (path, body, space) => ({ path, body: placed(body, space), headers: {} }),
};

/** A body, and each object in it, with the field `Namespace`. */
function placed(body: unknown, space: string): unknown {
  if (body === undefined) return { Namespace: space };
  if (Array.isArray(body)) return body.map((one: object) => Object.fromEntries(Object.entries(one).map(([kind, fields]) => [kind, placed(fields, space)])));
  return typeof body === 'object' && body !== null ? { ...body, Namespace: space } : body;
}

function say(said: string, path: string, body: unknown, space: string): Request {
  return sayings[said]?.(path, body, space) as Request;
}

const inQuery = (path: string, space: string) => say('?ns', path, undefined, space).path;

function pathOf({ path }: Sample, fixture: Fixture): string {
  return typeof path === 'string' ? path : path(fixture);
}

/** The names of a sample that blue has, too, as names that only the namespace with this word has. */
function renamed(text: string, word: string): string {
  return text
    .replaceAll(/\bweb-1\b/g, `${word}-1`)
    .replaceAll(/\bweb\b/g, `${word}-svc`)
    .replaceAll('app/key', `${word}/key`)
    .replaceAll(/\b(policy|role)\/name\/[\w-]+/g, `$1/name/${word}-$1`)
    .replaceAll(/\bauth-method\/fixture/g, `auth-method/${word}-method`);
}

/** All that blue holds, as text. */
function holdings(): string {
  const held: string[] = [];
  for (const [key, row] of consul.server.registry.state.rows()) {
    if (row.kind !== 'view' && 'namespace' in row && row.namespace === 'blue') held.push(`${key} ${row.modified}`);
  }
  return held.sort().join('\n');
}

/** Each way in which the bytes of an answer may hold the word: as it is, and in the base64 of a value. */
const forms = ['azure', ...[0, 1, 2].map((skip) => Buffer.from('azure-value').subarray(skip, skip + 9).toString('base64'))];

function leaks({ text, rawHeaders }: Answer): string[] {
  const all = `${rawHeaders.join('\n')}\n${text}`;
  return forms.filter((form) => all.toLowerCase().includes(form.toLowerCase()));
}

/** The parts of an answer that a caller sees, without the index: in a hidden namespace the index does not change. */
function seen({ status, text, headers }: Answer): unknown {
  const names = Object.keys(headers).filter((name) => name !== 'date');
  return [status, text, names.sort(), headers['x-consul-results-filtered-by-acls']];
}

const testable = rows.filter(({ name }) => Object.hasOwn(samples, name));

test('every route is tested', () => {
  expect(Object.keys(samples).sort()).toEqual(rows.map(({ name }) => name).sort());
});

describe.each(testable.filter(({ name }) => !wholeServer.includes(name)))('$name', ({ name, verb }) => {
  const sample = samples[name] as Sample;

  test('shows and changes nothing of another namespace', async () => {
    const before = holdings();
    for (const [who, token] of tokens) {
      for (const said of Object.keys(sayings)) {
        for (const fixture of [fixtures.red, fixtures.blue]) {
          const { path, body, headers } = say(said, pathOf(sample, fixture), sample.body, 'blue');
          const answer = await ask(verb, path, token, body, headers);
          expect([who, said, leaks(answer), answer.text]).toEqual([who, said, [], answer.text]);
        }
      }
      // About its own namespace, or none, with ids that are blue's.
      for (const space of ['red', 'default', 'none']) {
        const target = pathOf(sample, fixtures.blue);
        const answer = await ask(verb, space === 'none' ? target : inQuery(target, space), token, sample.body);
        expect([who, space, leaks(answer), answer.text]).toEqual([who, space, [], answer.text]);
      }
      expect([who, holdings()]).toEqual([who, before]);
      await restore();
    }
  });

  test('asked about all namespaces, shows and changes nothing of one without rights', async () => {
    const before = holdings();
    for (const [who, token] of tokens) {
      for (const said of ['?ns', 'the header']) {
        for (const fixture of [fixtures.red, fixtures.blue]) {
          const { path, body, headers } = say(said, pathOf(sample, fixture), sample.body, '*');
          const answer = await ask(verb, path, token, body, headers);
          expect([who, said, leaks(answer), answer.text]).toEqual([who, said, [], answer.text]);
        }
      }
      expect([who, holdings()]).toEqual([who, before]);
      await restore();
    }
  });

  if (everNew.includes(name)) return;
  test('answers about a namespace without rights as about one that does not exist', async () => {
    const none: Fixture = { session: uuid(1), query: uuid(2), token: uuid(3), policy: uuid(4), role: uuid(5), rule: uuid(6) };
    for (const [who, token] of tokens) {
      for (const said of Object.keys(sayings)) {
        for (const form of [(text: string) => text, renamed]) {
          const about = async (space: string, fixture: Fixture, word: string) => {
            const given = sample.body === undefined ? undefined : (JSON.parse(form(JSON.stringify(sample.body), word)) as unknown);
            const { path, body, headers } = say(said, form(pathOf(sample, fixture), word), given, space);
            return ask(verb, path, token, body, headers);
          };
          const [blue, ghost] = [await about('blue', fixtures.blue, 'azure'), await about('ghost', none, 'lilac')];
          expect([who, said, seen({ ...blue, text: plainly(blue.text, fixtures.blue, none) })]).toEqual([who, said, seen(ghost)]);
          await restore();
        }
      }
    }
  });
});

function uuid(n: number): string {
  return `90000000-0000-4000-8000-00000000000${n}`;
}

/** The text with the names and ids of the namespace that does not exist. */
function plainly(text: string, from: Fixture, to: Fixture): string {
  let plain = text.replaceAll('azure', 'lilac').replaceAll('blue', 'ghost');
  for (const [name, id] of Object.entries(from)) plain = plain.replaceAll(id, to[name as keyof Fixture]);
  return plain;
}

/** Restores the rows that a token may change by right: those of red, nodes, the default namespace. */
async function restore(): Promise<void> {
  const { registry } = consul.server;
  await registry.submit({ kind: 'register', namespace: 'default', node: { name: 'ext', address: '10.0.0.8' }, nodeMode: 'ensure' });
}

describe('a query that waits', () => {
  const lists = testable.filter(({ action }) => 'read' in action);

  test('in one namespace, or for another one without rights, is not woken by changes in that other one', async () => {
    const secret = tokens.get('a token of red') ?? '';
    const woken: string[] = [];
    const ends = new AbortController();
    setMaxListeners(0, ends.signal);
    const waiting = { red: 0, blue: 0 };
    for (const { name } of lists) {
      for (const space of ['red', 'blue'] as const) {
        const path = inQuery(pathOf(samples[name] as Sample, fixtures[space]), space);
        const { status, index } = await ask('GET', path, secret);
        if (status !== 200 || Number.isNaN(index)) continue;
        waiting[space]++;
        consul.ask('GET', `${path}&index=${index}&wait=5m`, { headers: { 'x-consul-token': secret }, signal: ends.signal }).then(
          () => woken.push(`${name} of ${space}`),
          () => {},
        );
      }
    }
    expect(Math.min(waiting.red, waiting.blue)).toBeGreaterThan(15);
    await consul.untilParked(waiting.red + waiting.blue);
    await changeBlue();
    // An answer to a query that waits is sent before the next request is read.
    await consul.get('/v1/status/leader');
    expect(woken).toEqual([]);
    expect(await consul.parked()).toBe(waiting.red + waiting.blue);
    ends.abort();
    await consul.untilParked(0);
  });
});

/** Changes something of each kind in blue. */
async function changeBlue(): Promise<void> {
  const { blue } = fixtures;
  await manage('PUT', '/v1/agent/service/register?ns=blue', { Name: 'web', ID: 'web-1', Tags: ['azure-changed'] });
  await manage('PUT', '/v1/agent/service/register?ns=blue', { Name: 'azure-more', ID: 'azure-2', Check: { TTL: '600s' } });
  await manage('PUT', '/v1/agent/service/deregister/azure-2?ns=blue');
  await manage('PUT', '/v1/kv/app/key?ns=blue', 'azure-changed');
  await manage('DELETE', '/v1/kv/azure/key?ns=blue');
  await manage('PUT', `/v1/session/destroy/${blue.session}?ns=blue`);
  await manage('PUT', `/v1/query/${blue.query}?ns=blue`, { Name: 'shared', Service: { Service: 'web' } });
  await manage('PUT', `/v1/acl/policy/${blue.policy}?ns=blue`, { Name: 'fixture', Rules: 'acl = "read"' });
  await manage('DELETE', `/v1/acl/role/${blue.role}?ns=blue`);
  await manage('DELETE', '/v1/acl/auth-method/fixture?ns=blue');
  await manage('DELETE', `/v1/acl/token/${blue.token}?ns=blue`);
}
