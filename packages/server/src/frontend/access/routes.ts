/** The visible surface of this front end, as a table. Bodies are checked by the schemas that the OpenAPI document shows. */

import { authMethodListSchema, authMethodSchema, bindingRuleSchema, canISchema, deletedSchema, frameLimits as limits, newTokenSchema, policyListSchema, policySchema, rightsMatrixSchema, roleListSchema, roleSchema, rulesProblemSchema, tokenListSchema, tokenSchema, whoMaySchema } from '@rollcall/protocol';
import { object, type Content, type DescribedRoute, type Operation, type Parameter, type Schema } from '../../net/open-api.ts';
import type { Access } from '../../security/access.ts';

export const prefix = '/rollcall/v1/access';
/** Entries of a list; a search finds the others. */
export const listMax = 500;

const short = { type: 'string', maxLength: 512 } as const;
const name = { type: 'string', maxLength: limits.nameMax } as const;
const uuid = { type: 'string', maxLength: 36 } as const;
const count = { type: 'integer', minimum: 0 } as const;
const many = <S extends Schema>(items: S) => ({ type: 'array', items, maxItems: 1_000 }) as const;
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

const json = (schema: Schema, description: string): Content => ({ type: 'application/json', schema, description });
const list = (answer: Schema, summary: string): Operation => ({ summary, parameters: [search], answer: json(answer, `At most ${listMax}`) });
const search: Parameter = { name: 'search', description: 'A part of a name, a description or an id, in any case', schema: name };
const change = (summary: string, body: Schema, answer: Schema, description: string): Operation => ({ summary, body: json(body, 'What to write'), answer: json(answer, description) });
const removal = (summary: string, parameter: string): Operation => ({
  summary,
  parameters: [{ name: parameter, description: 'The one to delete', required: true, schema: name }],
  answer: json(deletedSchema, 'It is gone'),
});

const question: readonly Parameter[] = [
  { name: 'resource', description: 'As in rules; also intention, config-approve, config-publish and config-reveal', required: true, schema: name },
  { name: 'verb', description: 'read, list or write; for the resource config also edit, approve, publish and reveal, as in rules', required: true, schema: name },
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
  route('tokens', read, { GET: list(tokenListSchema, 'Tokens of a namespace, without their secrets, the newest first') }),
  route('tokens', write, {
    POST: change('Create a token', bodies.newToken, newTokenSchema, 'The token with its secret'),
    PUT: change('Change the description and the grants of a token; what is left out stays', bodies.token, tokenSchema, 'The token'),
    DELETE: removal('Delete a token', 'id'),
  }),
  route('policies', read, { GET: list(policyListSchema, 'Policies of a namespace with their rules, by name') }),
  route('policies', write, {
    PUT: change('Create a policy, or change the one with this id', bodies.policy, policySchema, 'The policy'),
    DELETE: removal('Delete a policy; tokens lose it', 'id'),
  }),
  route('check', read, { POST: change('Check the rules of a policy without writing it', bodies.check, rulesProblemSchema, 'What is wrong with them; null for nothing') }),
  route('roles', read, { GET: list(roleListSchema, 'Roles of a namespace, by name') }),
  route('roles', write, {
    PUT: change('Create a role, or change the one with this id', bodies.role, roleSchema, 'The role'),
    DELETE: removal('Delete a role; tokens lose it', 'id'),
  }),
  route('methods', read, { GET: list(authMethodListSchema, 'Auth methods of a namespace with their binding rules, without secrets') }),
  route('methods', write, {
    PUT: change('Create an auth method, or change the one of this name', bodies.method, authMethodSchema, 'The auth method'),
    DELETE: removal('Delete an auth method with its binding rules and the tokens of its logins', 'name'),
  }),
  route('rules', write, {
    PUT: change('Create a binding rule, or change the one with this id', bodies.rule, bindingRuleSchema, 'The binding rule'),
    DELETE: removal('Delete a binding rule', 'id'),
  }),
  route('matrix', own, { POST: change('What a token may do with a name, with the rule that decides each', bodies.matrix, rightsMatrixSchema, 'A cell for each resource and verb') }),
  route('can-i', own, {
    GET: {
      summary: 'Whether a token may do one thing, with the rule that decides and who can grant it',
      parameters: [...question, { name: 'accessorId', description: 'That of the caller by default; another one needs acl:read', schema: uuid }],
      answer: json(canISchema, 'Grantors are descriptions of tokens and names of policies, five of each; absent when it is allowed'),
    },
  }),
  route('who', read, {
    GET: {
      summary: 'Which tokens of a namespace may do one thing in it',
      parameters: question,
      answer: json(whoMaySchema, 'At most 100 tokens, and policies that allow it by themselves'),
    },
  }),
];
