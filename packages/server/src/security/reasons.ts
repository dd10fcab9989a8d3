/**
 * Reasons: why access control refuses a request. The list is closed; each reason has the fields that a message needs.
 * The messages here are Rollcall's own. A front end whose clients expect the messages of another program builds them
 * from the same fields (`frontend/consul/wire/access-words.ts`).
 */

import { quote } from '../filter/go-string.ts';
import { configWordOf, type GrantedResource, type NamedResource, type ScalarResource, type Verb } from './rules.ts';
import { anonymousAccessor } from './well-known.ts';

/** Kinds of records that requests name. */
export type Thing = 'token' | 'policy' | 'role' | 'auth method' | 'binding rule';

/** A permission that a caller lacks. */
export interface Denial {
  readonly accessorId: string;
  /** Namespace of the request. */
  readonly namespace: string;
  readonly resource: ScalarResource | NamedResource | 'intention' | GrantedResource;
  readonly verb: Verb;
  /** Empty for resources without names. */
  readonly name: string;
}

/** Why a JSON Web Token was refused. */
export type JwtProblem =
  | 'absent'
  | 'no key fits'
  | 'no object'
  | 'no times'
  | 'expired'
  | 'not valid yet'
  | 'issued in the future'
  | 'issuer'
  | 'audience not bound'
  | 'audience';

/** The fields of each reason. Texts are as in the request; times are in milliseconds. */
export interface Reasons {
  // Callers.
  readonly disabled: object;
  readonly 'unknown token': object;
  readonly 'lacks permission': Denial;

  // Records.
  readonly missing: { readonly what: Thing };
  /** An id in a body names a record that does not exist. */
  readonly 'unknown id': { readonly what: Thing; readonly id: string };
  readonly 'no name': { readonly what: 'policy' | 'role' | 'auth method' };
  readonly 'bad name': { readonly what: 'role' | 'auth method' };
  readonly 'name taken': { readonly what: 'policy' | 'role'; readonly name: string; readonly isNew: boolean };
  readonly 'bad id': { readonly what: Thing };
  readonly 'unknown link': { readonly what: 'policy' | 'role'; readonly id: string; readonly name: string };

  // Bootstrap.
  readonly 'bootstrap over': { readonly resetIndex: number };
  readonly 'wrong reset index': { readonly given: number; readonly resetIndex: number };
  readonly 'bad bootstrap secret': object;
  readonly 'bootstrap secret taken': object;

  // Tokens.
  readonly 'bad accessor': object;
  readonly 'anonymous token stays': object;
  readonly 'own token': object;
  readonly 'not from a login': object;
  readonly 'id reserved': { readonly field: TokenId; readonly prefix: string };
  readonly 'id no UUID': { readonly field: TokenId };
  readonly 'id taken': { readonly field: TokenId };
  readonly 'datacenters of a local token': { readonly service: string };
  readonly 'ttl not positive': { readonly ttlMs: number };
  readonly 'ttl and end': object;
  readonly 'ends before its start': object;
  readonly 'ends too soon': { readonly leastMs: number; readonly lifeMs: number };
  readonly 'secret fixed': object;
  readonly 'locality fixed': { readonly accessorId: string };
  readonly 'end fixed': { readonly accessorId: string };
  readonly 'login token cloned': object;

  // Grants of tokens and roles.
  readonly 'service identity without service': { readonly owner: Owner };
  readonly 'bad service identity': { readonly service: string };
  readonly 'node identity without node': { readonly owner: Owner };
  readonly 'node identity without datacenter': { readonly owner: Owner };
  readonly 'bad node identity': object;
  readonly 'unknown template': { readonly template: string };
  readonly 'template without name': { readonly template: string };

  // Policies.
  readonly 'policy name too long': { readonly length: number; readonly max: number };
  readonly 'policy name reserved': object;
  readonly 'bad policy name': object;
  readonly 'built-in datacenters': { readonly policy: string };
  readonly 'built-in rules': { readonly policy: string };
  readonly 'built-in policy stays': { readonly policy: string };

  // Rules. Lines and columns count from 1; 0 stands for the text as a whole.
  readonly 'unreadable rules': { readonly line: number; readonly column: number; readonly problem: string };
  readonly 'bad scalar level': { readonly key: string; readonly level: string };
  readonly 'bad level': BadLevel;
  readonly 'bad intentions': BadLevel;

  // Auth methods and binding rules.
  readonly 'auth method not found': { readonly name: string };
  readonly 'auth method type fixed': object;
  readonly 'unknown auth method type': object;
  readonly 'auth method ttl': { readonly ttlMs: number; readonly leastMs: number };
  readonly 'unknown locality': object;
  readonly 'bad auth method config': { readonly problem: string };
  readonly 'binding rule method fixed': object;
  readonly 'binding rule without method': object;
  readonly 'binding rule of an unknown method': { readonly method: string };
  readonly 'bad selector': { readonly problem: string };
  readonly 'no bind type': object;
  readonly 'no bind name': object;
  readonly 'unknown bind type': { readonly bindType: string };
  readonly 'bad bind name': object;
  readonly 'bad computed name': { readonly bindType: string; readonly name: string };
  readonly 'unknown variable': { readonly name: string };

  // Logins.
  readonly 'nothing granted': object;
  readonly 'redirect not allowed': { readonly uri: string; readonly method: string };
  /** A sign-in at an OpenID provider. */
  readonly oidc: { readonly problem: string };
  readonly 'bad jwt': { readonly problem: JwtProblem };
  readonly 'malformed jwt': { readonly problem: string };
  readonly 'bad jwt time': { readonly claim: string };
  readonly 'bad jwt claim': { readonly claim: string; readonly list: boolean };
}

/** A rule whose level does not exist, as the policy has it. */
export interface BadLevel {
  /** `service_prefix`. */
  readonly key: string;
  readonly resource: NamedResource;
  readonly name: string;
  readonly policy: string;
  readonly intentions: string;
}

type TokenId = 'accessor' | 'secret';
type Owner = 'token' | 'role';

export type Reason = keyof Reasons;

/** A text for each reason. */
export type Words = { readonly [R in Reason]: (fields: Reasons[R]) => string };

const idNames = { accessor: 'accessor id', secret: 'secret' } as const;
const identityNames = 'lower-case letters, digits, "-" and "_", and starts and ends with a letter or digit';

const jwtProblems: Readonly<Record<JwtProblem, string>> = {
  absent: 'the bearer token is empty',
  'no key fits': 'no key of the auth method verifies the signature of the bearer token',
  'no object': 'the claims of the bearer token are not a JSON object',
  'no times': 'the bearer token has none of the claims exp, iat and nbf',
  expired: 'the bearer token has expired (exp)',
  'not valid yet': 'the bearer token is not valid yet (nbf)',
  'issued in the future': 'the bearer token was issued in the future (iat)',
  issuer: 'the bearer token comes from another issuer (iss)',
  'audience not bound': 'the bearer token names an audience, but the auth method allows none (aud)',
  audience: 'the bearer token names no audience that the auth method allows (aud)',
};

export const words: Words = {
  disabled: () => 'access control is off',
  'unknown token': () => 'no token has this secret, or the token has expired',
  'lacks permission': ({ accessorId, namespace, resource, verb, name }) => {
    const who = accessorId === anonymousAccessor ? 'anonymous token' : `token ${accessorId}`;
    const where = name === '' ? '' : ` on ${quote(name)}`;
    const word = configWordOf(resource, verb);
    return `${who} lacks permission '${resource}:${verb}'${word === undefined || word === verb ? '' : ` (${word})`}${where} in namespace ${quote(namespace)}`;
  },
  missing: ({ what }) => `the ${what} does not exist`,
  'unknown id': ({ what, id }) => `no ${what} has the id ${quote(id)}`,
  'no name': ({ what }) => `the ${what} has no name`,
  'bad name': ({ what }) => `the name of the ${what} is invalid: use only letters, digits, "-" and "_"`,
  'name taken': ({ what, name }) => `another ${what} has the name ${quote(name)}`,
  'bad id': ({ what }) => `the id of the ${what} is not a UUID`,
  'unknown link': ({ what, id, name }) => (id === '' ? `no ${what} has the name ${quote(name)}` : `no ${what} has the id ${quote(id)}`),
  'bootstrap over': ({ resetIndex }) => `bootstrap was done already and works once; to allow another one, write the reset index ${resetIndex}`,
  'wrong reset index': ({ given, resetIndex }) => `the reset index is ${given}; it must be ${resetIndex}`,
  'bad bootstrap secret': () => 'the bootstrap secret is not a UUID',
  'bootstrap secret taken': () => 'another token has this bootstrap secret',
  'bad accessor': () => 'the accessor id is missing or not a UUID',
  'anonymous token stays': () => 'the anonymous token cannot be deleted',
  'own token': () => 'a request cannot delete its own token',
  'not from a login': () => 'the token does not come from a login',
  'id reserved': ({ field, prefix }) => `the ${idNames[field]} starts with ${quote(prefix)}, which is reserved`,
  'id no UUID': ({ field }) => `the ${idNames[field]} is not a UUID`,
  'id taken': ({ field }) => `another token has this ${idNames[field]}`,
  'datacenters of a local token': ({ service }) => `the identity of service ${quote(service)} names datacenters, but the token is local`,
  'ttl not positive': ({ ttlMs }) => `the token would live ${ttlMs} ms; give more than 0`,
  'ttl and end': () => 'give the life of the token or its end, not both',
  'ends before its start': () => 'the token would expire before it is created',
  'ends too soon': ({ leastMs, lifeMs }) => `the token would live ${lifeMs} ms; the minimum is ${leastMs} ms`,
  'secret fixed': () => 'the secret of a token cannot be changed',
  'locality fixed': ({ accessorId }) => `token ${accessorId} cannot change whether it is local`,
  'end fixed': ({ accessorId }) => `the expiry of token ${accessorId} cannot be changed`,
  'login token cloned': () => 'a token from a login cannot be cloned',
  'service identity without service': ({ owner }) => `a service identity of this ${owner} names no service`,
  'bad service identity': ({ service }) => `the service identity ${quote(service)} is invalid: use only ${identityNames}`,
  'node identity without node': ({ owner }) => `a node identity of this ${owner} names no node`,
  'node identity without datacenter': ({ owner }) => `a node identity of this ${owner} names no datacenter`,
  'bad node identity': () => `the node identity is invalid: use only ${identityNames}`,
  'unknown template': ({ template }) => `no templated policy has the name ${quote(template)}`,
  'template without name': ({ template }) => `the templated policy ${quote(template)} needs the variable Name`,
  'policy name too long': ({ length, max }) => `the name of the policy has ${length} characters, the limit is ${max}`,
  'policy name reserved': () => 'the name of the policy starts with "/" or "builtin/", which are reserved',
  'bad policy name': () => 'the name of the policy is invalid: use only letters, digits, "-", "_" and one "/"',
  'built-in datacenters': ({ policy }) => `the datacenters of the built-in policy ${policy} cannot be changed`,
  'built-in rules': ({ policy }) => `the rules of the built-in policy ${policy} cannot be changed`,
  'built-in policy stays': ({ policy }) => `the built-in policy ${policy} cannot be deleted`,
  'unreadable rules': ({ line, column, problem }) =>
    `the rules cannot be read: ${line === 0 ? '' : `line ${line}, column ${column}: `}${problem}`,
  'bad scalar level': ({ key, level }) => `the level of ${key} is ${quote(level)}; give "read", "write" or "deny"`,
  'bad level': ({ key, resource, name, policy }) =>
    `the level of ${key} ${quote(name)} is ${quote(policy)}; give ${levelsOf(resource)}`,
  'bad intentions': ({ key, name, intentions }) =>
    `the level of the intentions of ${key} ${quote(name)} is ${quote(intentions)}; give "read", "write" or "deny"`,
  'auth method not found': ({ name }) => `no auth method has the name ${quote(name)}`,
  'auth method type fixed': () => 'the type of an auth method cannot be changed',
  'unknown auth method type': () => 'the type of an auth method must be "jwt" or "oidc"',
  'auth method ttl': ({ ttlMs, leastMs }) => `tokens of the auth method would live ${ttlMs} ms; the minimum is ${leastMs} ms`,
  'unknown locality': () => 'the locality of tokens must be "local" or "global"',
  'bad auth method config': ({ problem }) => `the configuration of the auth method is invalid: ${problem}`,
  'binding rule method fixed': () => 'the auth method of a binding rule cannot be changed',
  'binding rule without method': () => 'the binding rule names no auth method',
  'binding rule of an unknown method': ({ method }) => `no auth method has the name ${quote(method)}`,
  'bad selector': ({ problem }) => `the selector of the binding rule is invalid: ${problem}`,
  'no bind type': () => 'the binding rule has no bind type',
  'no bind name': () => 'the binding rule has no bind name',
  'unknown bind type': ({ bindType }) => `the bind type ${quote(bindType)} does not exist`,
  'bad bind name': () => 'the bind name is not valid for the bind type',
  'bad computed name': ({ bindType, name }) => `the name ${quote(name)}, computed from the identity, is not valid for the bind type ${quote(bindType)}`,
  'unknown variable': ({ name }) => `the variable ${quote(name)} does not exist`,
  'nothing granted': () => 'no binding rule grants this identity anything',
  'redirect not allowed': ({ uri, method }) => `AllowedRedirectURIs of auth method ${quote(method)} does not have ${quote(uri)}; add it there and at the provider`,
  oidc: ({ problem }) => `the sign-in failed: ${problem}`,
  'bad jwt': ({ problem }) => jwtProblems[problem],
  'malformed jwt': ({ problem }) => `the bearer token cannot be verified: ${problem}`,
  'bad jwt time': ({ claim }) => `the claim ${claim} of the bearer token is not a time`,
  'bad jwt claim': ({ claim, list }) => `the claim ${quote(claim)} of the bearer token is not ${list ? 'a list of texts' : 'a text'}`,
};

function levelsOf(resource: NamedResource): string {
  if (resource === 'config') return '"deny", "write", or some of "read", "edit", "approve", "publish" and "reveal", with commas between them';
  return `"read",${resource === 'key' ? ' "list",' : ''} "write" or "deny"`;
}
