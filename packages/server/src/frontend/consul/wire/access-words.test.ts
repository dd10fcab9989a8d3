/** Each reason for which access control refuses something has the words of Consul 1.16 on its API: clients look for them. */

import { RegistryError } from '@rollcall/protocol';
import { expect, test } from 'vitest';
import { AccessError } from '../../../security/access-error.ts';
import { type Reason, type Reasons, words } from '../../../security/reasons.ts';
import { textOf } from './access-words.ts';

function row<R extends Reason>(reason: R, fields: Reasons[R], text: string): readonly [Reason, Reasons[Reason], string] {
  return [reason, fields, text];
}

const rows = [
  row('anonymous token stays', {}, 'Delete operation not permitted on the anonymous token'),
  row('auth method not found', { name: 'm' }, 'auth method "m" not found: ACL not found'),
  row('auth method ttl', { ttlMs: 1, leastMs: 60000 }, 'MaxTokenTTL 1ms cannot be less than 1m0s'),
  row('auth method type fixed', {}, 'the Type field of an Auth Method is immutable'),
  row('bad accessor', {}, 'Accessor ID is missing or an invalid UUID'),
  row('bad auth method config', { problem: 'Invalid supported algorithm: none' }, 'Invalid Auth Method: Invalid supported algorithm: none'),
  row('bad bind name', {}, 'Invalid Binding Rule: invalid BindName'),
  row('bad bootstrap secret', {}, 'the bootstrap secret is not a valid UUID'),
  row('bad computed name', { bindType: 'service', name: 'a/b' }, 'computed "service" bind name for bind target is invalid: "a/b"'),
  row('bad id', { what: 'policy' }, 'Policy ID invalid UUID'),
  row('bad id', { what: 'token' }, 'AccessorID is not a valid UUID'),
  row('bad id', { what: 'binding rule' }, 'Binding Rule ID invalid UUID'),
  row('bad intentions', { key: 'service', resource: 'service', name: 's', policy: 'read', intentions: 'nope' }, 'Invalid service intentions policy: &acl.ServiceRule{Name:"s", Policy:"read", Intentions:"nope", EnterpriseRule:acl.EnterpriseRule{}}'),
  row('bad jwt', { problem: 'absent' }, 'missing jwt'),
  row('bad jwt', { problem: 'no key fits' }, 'error verifying token: no known key successfully validated the token signature'),
  row('bad jwt', { problem: 'expired' }, 'error validating claims: validation failed, token is expired (exp)'),
  row('bad jwt', { problem: 'not valid yet' }, 'error validating claims: validation failed, token not valid yet (nbf)'),
  row('bad jwt', { problem: 'issued in the future' }, 'error validating claims: validation field, token issued in the future (iat)'),
  row('bad jwt', { problem: 'no times' }, 'no issue time, notbefore, or expiration time encoded in token'),
  row('bad jwt', { problem: 'audience' }, 'error validating claims: aud claim does not match any bound audience'),
  row('bad jwt', { problem: 'issuer' }, 'error validating claims: validation failed, invalid issuer claim (iss)'),
  row('bad jwt', { problem: 'audience not bound' }, 'error validating claims: audience claim found in JWT but no audiences are bound'),
  row('bad jwt', { problem: 'no object' }, 'error verifying token: its claims are not a JSON object'),
  row('bad jwt claim', { claim: 'sub', list: false }, 'error converting claim \'sub\' to string'),
  row('bad jwt claim', { claim: 'groups', list: true }, '\'groups\' list claim could not be converted to string list'),
  row('bad jwt time', { claim: 'nbf' }, 'error validating claims: nbf is not a time'),
  row('bad level', { key: 'agent', resource: 'agent', name: 'a', policy: 'nope', intentions: '' }, 'Invalid agent policy: &acl.AgentRule{Node:"a", Policy:"nope"}'),
  row('bad level', { key: 'event_prefix', resource: 'event', name: 'x', policy: 'nope', intentions: '' }, 'Invalid event_prefix policy: &acl.EventRule{Event:"x", Policy:"nope"}'),
  row('bad level', { key: 'identity_prefix', resource: 'identity', name: 'x', policy: 'nope', intentions: '' }, 'Invalid identity_prefix policy: &acl.IdentityRule{Name:"x", Policy:"nope", EnterpriseRule:acl.EnterpriseRule{}}'),
  row('bad level', { key: 'key_prefix', resource: 'key', name: 'x', policy: 'nope', intentions: '' }, 'Invalid key_prefix policy: &acl.KeyRule{Prefix:"x", Policy:"nope", EnterpriseRule:acl.EnterpriseRule{}}'),
  row('bad level', { key: 'node_prefix', resource: 'node', name: 'x', policy: 'nope', intentions: '' }, 'Invalid node_prefix policy: &acl.NodeRule{Name:"x", Policy:"nope", EnterpriseRule:acl.EnterpriseRule{}}'),
  row('bad level', { key: 'query_prefix', resource: 'query', name: 'x', policy: 'nope', intentions: '' }, 'Invalid query_prefix policy: &acl.PreparedQueryRule{Prefix:"x", Policy:"nope"}'),
  row('bad level', { key: 'service_prefix', resource: 'service', name: 'x', policy: 'nope', intentions: '' }, 'Invalid service_prefix policy: &acl.ServiceRule{Name:"x", Policy:"nope", Intentions:"", EnterpriseRule:acl.EnterpriseRule{}}'),
  row('bad level', { key: 'session_prefix', resource: 'session', name: 'x', policy: 'nope', intentions: '' }, 'Invalid session_prefix policy: &acl.SessionRule{Node:"x", Policy:"nope"}'),
  row('bad name', { what: 'auth method' }, 'Invalid Auth Method: invalid Name. Only alphanumeric characters, \'-\' and \'_\' are allowed'),
  row('bad node identity', {}, 'Node identity has an invalid name. Only lowercase alphanumeric characters, \'-\' and \'_\' are allowed'),
  row('bad policy name', {}, 'Invalid Policy: invalid Name. Only alphanumeric characters, a single \'/\', \'-\' and \'_\' are allowed'),
  row('bad scalar level', { key: 'acl', level: 'list' }, 'Invalid acl policy: "list"'),
  row('bad selector', { problem: 'Selector "nope" is not valid' }, 'invalid Binding Rule: Selector is invalid: Selector "nope" is not valid'),
  row('bad service identity', { service: 'Web' }, 'Service identity "Web" has an invalid name. Only lowercase alphanumeric characters, \'-\' and \'_\' are allowed'),
  row('binding rule method fixed', {}, 'the AuthMethod field of an Binding Rule is immutable'),
  row('binding rule of an unknown method', { method: 'x' }, 'cannot find auth method with name "x"'),
  row('binding rule without method', {}, 'Invalid Binding Rule: no AuthMethod is set'),
  row('bootstrap over', { resetIndex: 5 }, 'Permission denied: ACL bootstrap no longer allowed (reset index: 5)'),
  row('bootstrap secret taken', {}, 'Provided token cannot be used because a token with that secret already exists.'),
  row('built-in datacenters', { policy: 'global-management' }, 'Changing the Datacenters of the global-management policy is not permitted'),
  row('built-in policy stays', { policy: 'global-management' }, 'Delete operation not permitted on the builtin global-management policy'),
  row('built-in rules', { policy: 'global-management' }, 'Changing the Rules for the builtin global-management policy is not permitted'),
  row('datacenters of a local token', { service: 'web' }, 'Service identity "web" cannot specify a list of datacenters on a local token'),
  row('disabled', {}, 'ACL support disabled'),
  row('end fixed', { accessorId: 'a' }, 'Cannot change expiration time of a'),
  row('ends before its start', {}, 'ExpirationTime cannot be before CreateTime'),
  row('ends too soon', { leastMs: 60000, lifeMs: 10500 }, 'ExpirationTime cannot be less than 1m0s in the future (was 10.5s)'),
  row('id no UUID', { field: 'secret' }, 'Invalid Token: SecretID - not a valid UUID'),
  row('id reserved', { field: 'accessor', prefix: '00000000-0000-0000-0000-0000000000' }, 'Invalid Token: AccessorID - UUIDs with the prefix "00000000-0000-0000-0000-0000000000" are reserved'),
  row('id taken', { field: 'accessor' }, 'Invalid Token: AccessorID is already in use'),
  row('lacks permission', { accessorId: 'a', namespace: 'default', resource: 'service', verb: 'write', name: 'web' }, 'Permission denied: token with AccessorID \'a\' lacks permission \'service:write\' on "web"'),
  row('lacks permission', { accessorId: 'a', namespace: 'team-a', resource: 'service', verb: 'write', name: 'web' }, 'Permission denied: token with AccessorID \'a\' lacks permission \'service:write\' on "web" in partition "default" in namespace "team-a"'),
  row('lacks permission', { accessorId: '00000000-0000-0000-0000-000000000002', namespace: 'default', resource: 'acl', verb: 'read', name: '' }, 'Permission denied: anonymous token lacks permission \'acl:read\'. The anonymous token is used implicitly when a request does not specify a token.'),
  row('locality fixed', { accessorId: 'a' }, 'Cannot toggle local mode of a'),
  row('login token cloned', {}, 'Cannot clone a token created from an auth method'),
  row('malformed jwt', { problem: 'Invalid Compact JWS' }, 'error verifying token: Invalid Compact JWS'),
  row('missing', { what: 'role' }, 'role does not exist: ACL not found'),
  row('missing', { what: 'auth method' }, 'auth method does not exist: ACL not found'),
  row('name taken', { what: 'role', name: 'a', isNew: true }, 'Invalid Role: A Role with Name "a" already exists'),
  row('name taken', { what: 'policy', name: 'a', isNew: true }, 'Invalid Policy: A Policy with Name "a" already exists'),
  row('name taken', { what: 'policy', name: 'a', isNew: false }, 'Invalid Policy: A policy with name "a" already exists'),
  row('name taken', { what: 'role', name: 'a', isNew: false }, 'Invalid Role: A role with name "a" already exists'),
  row('no bind name', {}, 'Invalid Binding Rule: no BindName is set'),
  row('no bind type', {}, 'Invalid Binding Rule: no BindType is set'),
  row('no name', { what: 'policy' }, 'Invalid Policy: no Name is set'),
  row('node identity without datacenter', { owner: 'token' }, 'Node identity is missing the datacenter field on this token'),
  row('node identity without node', { owner: 'token' }, 'Node identity is missing the node name field on this token'),
  row('not from a login', {}, 'Permission denied: token wasn\'t created via login'),
  row('nothing granted', {}, 'Permission denied'),
  row('oidc', { problem: 'the provider cannot be reached' }, 'ACL not found: the provider cannot be reached'),
  row('redirect not allowed', { uri: 'https://other.example/ui/oidc/callback', method: 'sso' }, 'unauthorized redirect_uri: https://other.example/ui/oidc/callback'),
  row('own token', {}, 'Deletion of the request\'s authorization token is not permitted'),
  row('policy name reserved', {}, 'Invalid Policy: invalid Name. Names cannot be prefixed with \'/\' or \'builtin/\''),
  row('policy name too long', { length: 129, max: 128 }, 'Invalid Policy: invalid Name. Length must be greater than 0 and less than 128'),
  row('secret fixed', {}, 'Changing a token\'s SecretID is not permitted'),
  row('service identity without service', { owner: 'token' }, 'Service identity is missing the service name field on this token'),
  row('template without name', { template: 'builtin/node' }, 'validation error with templated policy: builtin/node needs the template variable name'),
  row('ttl and end', {}, 'Token Expiration TTL and Expiration Time cannot both be set'),
  row('ttl not positive', { ttlMs: -1000 }, 'Token Expiration TTL \'-1s\' should be > 0'),
  row('unknown auth method type', {}, 'Invalid Auth Method: Type should be one of: [jwt]'),
  row('unknown bind type', { bindType: 'x' }, 'Invalid Binding Rule: unknown BindType "x"'),
  row('unknown id', { what: 'policy', id: '20000000-0000-4000-8000-000000000009' }, 'cannot find policy 20000000-0000-4000-8000-000000000009'),
  row('unknown id', { what: 'token', id: 'a' }, 'Cannot find token "a"'),
  row('unknown id', { what: 'binding rule', id: 'a' }, 'cannot find binding rule a'),
  row('unknown link', { what: 'role', id: '', name: 'c' }, 'No such ACL role with name "c"'),
  row('unknown link', { what: 'policy', id: 'a', name: '' }, 'No such ACL policy with ID "a"'),
  row('unknown locality', {}, 'Invalid Auth Method: TokenLocality should be one of \'local\' or \'global\''),
  row('unknown template', { template: 'nope' }, 'no such ACL templated policy with Name "nope"'),
  row('unknown token', {}, 'ACL not found'),
  row('unknown variable', { name: 'value.nope' }, 'unknown variable accessed: value.nope'),
  row('unreadable rules', { line: 1, column: 1, problem: 'key takes one name' }, 'Failed to parse ACL rules: At 1:1: key takes one name'),
  row('unreadable rules', { line: 0, column: 0, problem: 'too long' }, 'Failed to parse ACL rules: too long'),
  row('wrong reset index', { given: 5, resetIndex: 4 }, 'Invalid bootstrap reset index (specified 5, reset index: 4)'),
];

test.each(rows)('%s of %j has the message: %s', (reason, fields, text) => {
  expect(textOf(new AccessError(reason, fields as never))).toBe(text);
});

test('every reason is in the table', () => {
  expect([...new Set(rows.map(([reason]) => reason))].toSorted()).toEqual(Object.keys(words).toSorted());
});

test('an error without a text of Consul keeps its own', () => {
  expect(textOf(new RegistryError('aborted', 'written by another client at the same time'))).toBe('written by another client at the same time');
});
