/** The visible surface of this front end, as a table. Bodies are checked by the schemas that the OpenAPI document shows. */

import { frameLimits as limits } from '@rollcall/protocol';
import { object, type Content, type DescribedRoute, type Operation, type Parameter, type Schema } from '../../net/open-api.ts';
import type { Access } from '../../security/access.ts';

export const prefix = '/rollcall/v1/access';
/** Entries of a list; a search finds the others. */
export const listMax = 500;

const text = { type: 'string' } as const;
const short = { type: 'string', maxLength: 512 } as const;
const name = { type: 'string', maxLength: limits.nameMax } as const;
const uuid = { type: 'string', maxLength: 36 } as const;
const yes = { type: 'boolean' } as const;
const count = { type: 'integer', minimum: 0 } as const;
const time = { ...count, description: 'Milliseconds since the Unix epoch' } as const;
const many = <S extends Schema>(items: S) => ({ type: 'array', items, maxItems: 1_000 }) as const;
const link = object({ id: text, name: text });
/** In a request. Policies and roles are named, of the namespace of the request. */
const grants = { 'policies?': many(name), 'serviceIdentities?': many(name) };

export const bodies = {
  newToken: object({ 'description?': short, ...grants, 'roles?': many(name), 'ttlMs?': { type: 'integer', minimum: 60_000, description: 'Lifetime; without it the token has no end' } }),
  token: object({ accessorId: uuid, 'description?': short, ...grants, 'roles?': many(name) }),
  policy: object({ 'id?': uuid, name, 'description?': short, 'rules?': { type: 'string', maxLength: 131_072 } }),
  check: object({ rules: { type: 'string', maxLength: 131_072 } }),
  role: object({ 'id?': uuid, name, 'description?': short, ...grants }),
  method: object({
    name,
    'type?': { ...name, description: 'jwt or oidc; that of the existing method by default' },
    'displayName?': short,
    'description?': short,
    'tokenTtlMs?': { ...count, description: 'Lifetime of the tokens of its logins; 0 for none' },
    'config?': { type: 'object', description: "In Consul's fields; a secret that is left out stays as it is" },
  }),
  matrix: object({ 'accessorId?': { ...uuid, description: "That of the caller by default; another one needs acl:read" }, 'name?': { type: 'string', maxLength: 1_024 } }),
  rule: object({ 'id?': uuid, method: name, 'description?': short, 'selector?': { type: 'string', maxLength: 4_096 }, bindType: name, bindName: name, 'bindVariable?': name }),
} as const;

const shownToken = object({
  accessorId: text,
  description: text,
  policies: many(link),
  roles: many(link),
  serviceIdentities: many(text),
  others: { ...count, description: 'Node identities and templated policies' },
  method: { ...text, description: 'The auth method whose login created it; empty for other tokens' },
  createdAtMs: time,
  expiresAtMs: { anyOf: [time, { type: 'null' }] },
  isOwn: { ...yes, description: 'It is that of the caller' },
  isBuiltIn: yes,
});
const shownPolicy = object({ id: text, name: text, description: text, rules: text, isBuiltIn: yes });
const shownRole = object({ id: text, name: text, description: text, policies: many(link), serviceIdentities: many(text), others: count });
const shownRule = object({ id: text, method: text, description: text, selector: text, bindType: text, bindName: text, bindVariable: text });
const shownMethod = object({ name: text, type: text, displayName: text, description: text, tokenTtlMs: count, config: { type: 'object', description: 'Without secrets' }, hasSecret: yes, rules: many(shownRule) });

const decidingRule = object({ source: { ...text, description: 'The policy, role or identity, or the default policy' }, text });
const cell = object({ resource: text, verb: text, allowed: yes, rule: decidingRule });

const json = (schema: Schema, description: string): Content => ({ type: 'application/json', schema, description });
const list = (field: string, items: Schema, summary: string): Operation => ({
  summary,
  parameters: [search],
  answer: json(object({ [field]: { type: 'array', items }, count: { ...count, description: 'Of all that match' } }), `At most ${listMax}`),
});
const search: Parameter = { name: 'search', description: 'A part of a name, a description or an id, in any case', schema: name };
const change = (summary: string, body: Schema, answer: Schema, description: string): Operation => ({ summary, body: json(body, 'What to write'), answer: json(answer, description) });
const removal = (summary: string, parameter: string): Operation => ({
  summary,
  parameters: [{ name: parameter, description: 'The one to delete', required: true, schema: name }],
  answer: json(object({ deleted: yes }), 'It is gone'),
});

const question: readonly Parameter[] = [
  { name: 'resource', description: 'As in rules; also intention, config-approve, config-publish and config-reveal', required: true, schema: name },
  { name: 'verb', description: 'read, list or write', required: true, schema: name },
  { name: 'name', description: 'Of the service, key, node …; empty for resources without names', schema: { type: 'string', maxLength: 1_024 } },
];

const own: Access = { kind: 'open', why: 'it tells a caller about its own rights; another token needs acl:read' };
const read: Access = { kind: 'demands', resource: 'acl', verb: 'read' };
const write: Access = { kind: 'demands', resource: 'acl', verb: 'write' };

/** A path, with a way to do each of its methods. */
const route = (path: string, access: Access, operations: DescribedRoute['operations']): DescribedRoute => ({
  path: `${prefix}/${path}`,
  methods: Object.keys(operations).flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])),
  access,
  operations,
});

export const routes: readonly DescribedRoute[] = [
  route('tokens', read, { GET: list('tokens', shownToken, 'Tokens of a namespace, without their secrets, the newest first') }),
  route('tokens', write, {
    POST: change('Create a token', bodies.newToken, object({ token: shownToken, secret: { ...text, description: 'Shown here, and never again' } }), 'The token with its secret'),
    PUT: change('Change the description and the grants of a token; what is left out stays', bodies.token, object({ token: shownToken }), 'The token'),
    DELETE: removal('Delete a token', 'id'),
  }),
  route('policies', read, { GET: list('policies', shownPolicy, 'Policies of a namespace with their rules, by name') }),
  route('policies', write, {
    PUT: change('Create a policy, or change the one with this id', bodies.policy, object({ policy: shownPolicy }), 'The policy'),
    DELETE: removal('Delete a policy; tokens lose it', 'id'),
  }),
  route('check', read, { POST: change('Check the rules of a policy without writing it', bodies.check, object({ problem: { type: ['string', 'null'] } }), 'What is wrong with them; null for nothing') }),
  route('roles', read, { GET: list('roles', shownRole, 'Roles of a namespace, by name') }),
  route('roles', write, {
    PUT: change('Create a role, or change the one with this id', bodies.role, object({ role: shownRole }), 'The role'),
    DELETE: removal('Delete a role; tokens lose it', 'id'),
  }),
  route('methods', read, { GET: list('methods', shownMethod, 'Auth methods of a namespace with their binding rules, without secrets') }),
  route('methods', write, {
    PUT: change('Create an auth method, or change the one of this name', bodies.method, object({ method: shownMethod }), 'The auth method'),
    DELETE: removal('Delete an auth method with its binding rules and the tokens of its logins', 'name'),
  }),
  route('rules', write, {
    PUT: change('Create a binding rule, or change the one with this id', bodies.rule, object({ rule: shownRule }), 'The binding rule'),
    DELETE: removal('Delete a binding rule', 'id'),
  }),
  route('matrix', own, { POST: change('What a token may do with a name, with the rule that decides each', bodies.matrix, object({ subject: text, cells: many(cell) }), 'A cell for each resource and verb') }),
  route('can-i', own, {
    GET: {
      summary: 'Whether a token may do one thing, with the rule that decides and who can grant it',
      parameters: [...question, { name: 'accessorId', description: 'That of the caller by default; another one needs acl:read', schema: uuid }],
      answer: json(
        object({ 'subject': text, 'namespace': text, 'resource': text, 'verb': text, 'name': text, 'allowed': yes, 'rule': decidingRule, 'grantors?': object({ tokens: many(text), policies: many(text) }) }),
        'Grantors are descriptions of tokens and names of policies, five of each; absent when it is allowed',
      ),
    },
  }),
  route('who', read, {
    GET: {
      summary: 'Which tokens of a namespace may do one thing in it',
      parameters: question,
      answer: json(
        object({ tokens: many(object({ accessorId: text, description: text, rule: decidingRule })), count: { ...count, description: 'Of all that may' }, policies: many(object({ name: text, text })) }),
        'At most 100 tokens, and policies that allow it by themselves',
      ),
    },
  }),
];
