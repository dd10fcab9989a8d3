/**
 * Consul's error texts for the refusals of access control (`acl/errors.go`, `acl/policy.go`, `agent/consul/acl_endpoint.go`,
 * `agent/consul/auth/token_writer.go` and `internal/go-sso/oidcauth/jwt.go` of 1.16): clients look for them. Errors for which
 * Consul has no text keep Rollcall's.
 */

import { defaultNamespace } from '@rollcall/protocol';
import { quote } from '../../../filter/go-string.ts';
import { AccessError } from '../../../security/access-error.ts';
import type { BadLevel, JwtProblem, Words } from '../../../security/reasons.ts';
import { anonymousAccessor } from '../../../security/well-known.ts';
import { durationText } from './go-duration.ts';

/** The body of the 401 with which Consul answers requests about access control while it is off. */
export const disabledText = 'ACL support disabled';

/** The text of an error in an answer. */
export function textOf(error: Error): string {
  if (!(error instanceof AccessError)) return error.message;
  const { reason, fields } = error as AccessError;
  return (words[reason] as (of: typeof fields) => string)(fields);
}

function denied(cause: string): string {
  return `Permission denied: ${cause}`;
}

const tokenIds = { accessor: 'AccessorID', secret: 'SecretID' } as const;
const things = { policy: 'Policy', role: 'Role', 'auth method': 'Auth Method', 'binding rule': 'Binding Rule', token: 'Token' } as const;
const characters = "Only alphanumeric characters, '-' and '_' are allowed";
const identityCharacters = "Only lowercase alphanumeric characters, '-' and '_' are allowed";

const jwtProblems: Readonly<Record<JwtProblem, string>> = {
  absent: 'missing jwt',
  'no key fits': 'error verifying token: no known key successfully validated the token signature',
  'no object': 'error verifying token: its claims are not a JSON object',
  'no times': 'no issue time, notbefore, or expiration time encoded in token',
  expired: 'error validating claims: validation failed, token is expired (exp)',
  'not valid yet': 'error validating claims: validation failed, token not valid yet (nbf)',
  'issued in the future': 'error validating claims: validation field, token issued in the future (iat)',
  issuer: 'error validating claims: validation failed, invalid issuer claim (iss)',
  'audience not bound': 'error validating claims: audience claim found in JWT but no audiences are bound',
  audience: 'error validating claims: aud claim does not match any bound audience',
};

const words: Words = {
  disabled: () => disabledText,
  'unknown token': () => 'ACL not found',
  'lacks permission': ({ accessorId, namespace, resource, verb, name }) => {
    const anonymous = accessorId === anonymousAccessor;
    const who = anonymous ? 'anonymous token' : `token with AccessorID '${accessorId}'`;
    const where = name === '' ? '' : ` on ${quote(name)}`;
    // Consul without namespaces names none, and there is only one partition.
    const there = namespace === defaultNamespace ? '' : ` in partition "default" in namespace ${quote(namespace)}`;
    const why = anonymous ? '. The anonymous token is used implicitly when a request does not specify a token.' : '';
    return denied(`${who} lacks permission '${resource}:${verb}'${where}${there}${why}`);
  },
  missing: ({ what }) => `${what} does not exist: ACL not found`,
  'unknown id': ({ what, id }) => (what === 'token' ? `Cannot find token ${quote(id)}` : `cannot find ${what} ${id}`),
  'no name': ({ what }) => `Invalid ${things[what]}: no Name is set`,
  'bad name': ({ what }) => `Invalid ${things[what]}: invalid Name. ${characters}`,
  'name taken': ({ what, name, isNew }) => {
    const thing = what === 'policy' && !isNew ? 'policy with name' : `${things[what]} with Name`;
    return `Invalid ${things[what]}: A ${what === 'role' && !isNew ? 'role with name' : thing} ${quote(name)} already exists`;
  },
  'bad id': ({ what }) => (what === 'token' ? 'AccessorID is not a valid UUID' : `${things[what]} ID invalid UUID`),
  'unknown link': ({ what, id, name }) =>
    id === '' ? `No such ACL ${what} with name ${quote(name)}` : `No such ACL ${what} with ID ${quote(id)}`,
  'bootstrap over': ({ resetIndex }) => denied(`ACL bootstrap no longer allowed (reset index: ${resetIndex})`),
  'wrong reset index': ({ given, resetIndex }) => `Invalid bootstrap reset index (specified ${given}, reset index: ${resetIndex})`,
  'bad bootstrap secret': () => 'the bootstrap secret is not a valid UUID',
  'bootstrap secret taken': () => 'Provided token cannot be used because a token with that secret already exists.',
  'bad accessor': () => 'Accessor ID is missing or an invalid UUID',
  'anonymous token stays': () => 'Delete operation not permitted on the anonymous token',
  'own token': () => "Deletion of the request's authorization token is not permitted",
  'not from a login': () => denied("token wasn't created via login"),
  'id reserved': ({ field, prefix }) => `Invalid Token: ${tokenIds[field]} - UUIDs with the prefix ${quote(prefix)} are reserved`,
  'id no UUID': ({ field }) => `Invalid Token: ${tokenIds[field]} - not a valid UUID`,
  'id taken': ({ field }) => `Invalid Token: ${tokenIds[field]} is already in use`,
  'datacenters of a local token': ({ service }) =>
    `Service identity ${quote(service)} cannot specify a list of datacenters on a local token`,
  'ttl not positive': ({ ttlMs }) => `Token Expiration TTL '${durationText(ttlMs)}' should be > 0`,
  'ttl and end': () => 'Token Expiration TTL and Expiration Time cannot both be set',
  'ends before its start': () => 'ExpirationTime cannot be before CreateTime',
  'ends too soon': ({ leastMs, lifeMs }) =>
    `ExpirationTime cannot be less than ${durationText(leastMs)} in the future (was ${durationText(lifeMs)})`,
  'secret fixed': () => "Changing a token's SecretID is not permitted",
  'locality fixed': ({ accessorId }) => `Cannot toggle local mode of ${accessorId}`,
  'end fixed': ({ accessorId }) => `Cannot change expiration time of ${accessorId}`,
  'login token cloned': () => 'Cannot clone a token created from an auth method',
  'service identity without service': ({ owner }) => `Service identity is missing the service name field on this ${owner}`,
  'bad service identity': ({ service }) => `Service identity ${quote(service)} has an invalid name. ${identityCharacters}`,
  'node identity without node': ({ owner }) => `Node identity is missing the node name field on this ${owner}`,
  'node identity without datacenter': ({ owner }) => `Node identity is missing the datacenter field on this ${owner}`,
  'bad node identity': () => `Node identity has an invalid name. ${identityCharacters}`,
  'unknown template': ({ template }) => `no such ACL templated policy with Name ${quote(template)}`,
  'template without name': ({ template }) => `validation error with templated policy: ${template} needs the template variable name`,
  'policy name too long': () => 'Invalid Policy: invalid Name. Length must be greater than 0 and less than 128',
  'policy name reserved': () => "Invalid Policy: invalid Name. Names cannot be prefixed with '/' or 'builtin/'",
  'bad policy name': () => "Invalid Policy: invalid Name. Only alphanumeric characters, a single '/', '-' and '_' are allowed",
  'built-in datacenters': ({ policy }) => `Changing the Datacenters of the ${policy} policy is not permitted`,
  'built-in rules': ({ policy }) => `Changing the Rules for the builtin ${policy} policy is not permitted`,
  'built-in policy stays': ({ policy }) => `Delete operation not permitted on the builtin ${policy} policy`,
  'unreadable rules': ({ line, column, problem }) => `Failed to parse ACL rules: ${line === 0 ? '' : `At ${line}:${column}: `}${problem}`,
  'bad scalar level': ({ key, level }) => `Invalid ${key} policy: ${quote(level)}`,
  'bad level': (rule) => `Invalid ${rule.key} policy: ${goStruct(rule)}`,
  'bad intentions': (rule) => `Invalid ${rule.key} intentions policy: ${goStruct(rule)}`,
  'auth method not found': ({ name }) => `auth method ${quote(name)} not found: ACL not found`,
  'auth method type fixed': () => 'the Type field of an Auth Method is immutable',
  'unknown auth method type': () => 'Invalid Auth Method: Type should be one of: [jwt]',
  'auth method ttl': ({ ttlMs, leastMs }) => `MaxTokenTTL ${durationText(ttlMs)} cannot be less than ${durationText(leastMs)}`,
  'unknown locality': () => "Invalid Auth Method: TokenLocality should be one of 'local' or 'global'",
  'bad auth method config': ({ problem }) => `Invalid Auth Method: ${problem}`,
  'binding rule method fixed': () => 'the AuthMethod field of an Binding Rule is immutable',
  'binding rule without method': () => 'Invalid Binding Rule: no AuthMethod is set',
  'binding rule of an unknown method': ({ method }) => `cannot find auth method with name ${quote(method)}`,
  'bad selector': ({ problem }) => `invalid Binding Rule: Selector is invalid: ${problem}`,
  'no bind type': () => 'Invalid Binding Rule: no BindType is set',
  'no bind name': () => 'Invalid Binding Rule: no BindName is set',
  'unknown bind type': ({ bindType }) => `Invalid Binding Rule: unknown BindType ${quote(bindType)}`,
  'bad bind name': () => 'Invalid Binding Rule: invalid BindName',
  'bad computed name': ({ bindType, name }) => `computed ${quote(bindType)} bind name for bind target is invalid: ${quote(name)}`,
  'unknown variable': ({ name }) => `unknown variable accessed: ${name}`,
  'nothing granted': () => 'Permission denied',
  'redirect not allowed': ({ uri }) => `unauthorized redirect_uri: ${uri}`,
  oidc: ({ problem }) => `ACL not found: ${problem}`,
  'bad jwt': ({ problem }) => jwtProblems[problem],
  'malformed jwt': ({ problem }) => `error verifying token: ${problem}`,
  'bad jwt time': ({ claim }) => `error validating claims: ${claim} is not a time`,
  'bad jwt claim': ({ claim, list }) =>
    list ? `'${claim}' list claim could not be converted to string list` : `error converting claim '${claim}' to string`,
};

/** Type and first field of Consul's struct for each resource: its messages print the struct. */
const goTypes: Readonly<Record<BadLevel['resource'], readonly [type: string, field: string, enterprise: boolean]>> = {
  agent: ['AgentRule', 'Node', false],
  // Consul has no such rules.
  config: ['ConfigRule', 'Name', false],
  event: ['EventRule', 'Event', false],
  identity: ['IdentityRule', 'Name', true],
  /** Consul has neither: the names are made like the others. */
  lock: ['LockRule', 'Name', true],
  znode: ['ZnodeRule', 'Path', true],
  key: ['KeyRule', 'Prefix', true],
  node: ['NodeRule', 'Name', true],
  query: ['PreparedQueryRule', 'Prefix', false],
  service: ['ServiceRule', 'Name', true],
  session: ['SessionRule', 'Node', false],
};

/** The output of Go's `%#v` for the rule. */
function goStruct({ resource, name, policy, intentions }: BadLevel): string {
  const [type, field, enterprise] = goTypes[resource];
  const fields = [`${field}:${quote(name)}`, `Policy:${quote(policy)}`];
  if (resource === 'service') fields.push(`Intentions:${quote(intentions)}`);
  if (enterprise) fields.push('EnterpriseRule:acl.EnterpriseRule{}');
  return `&acl.${type}{${fields.join(', ')}}`;
}
