/** `/v1/acl/policy` and `/v1/acl/role`, by id and by name. */

import { policyOf, recordTypes, type Role, roleOf } from '../../../security/records.ts';
import { decodeBody } from '../request/body.ts';
import { endpoint } from '../request/endpoint.ts';
import { type Asked, jsonBody, type Query, restOf } from '../request/query.ts';
import { placed, scopeIn } from '../request/scope.ts';
import { invalid } from '../wire/errors.ts';
import { unescapePath } from '../wire/params.ts';
import { policyJson, policyStubJson, roleJson } from './acl-json.ts';
import { grantsInput, policyBody, roleBody } from './definitions.ts';
import { idOf, nothingToDelete, oneRecord, recordList, toWrite, withId, withName } from './records.ts';

const policies = { type: recordTypes.policy, of: policyOf } as const;
const roles = { type: recordTypes.role, of: roleOf, also: [recordTypes.policy] } as const;

/** `GET /v1/acl/policies` */
export function listPolicies(asked: Asked): Query {
  const all = { name: '', wanted: () => true, key: ({ name }: { name: string }) => name };
  return recordList(asked, policies, all, (_state, policy) => policyStubJson(policy));
}

/** `GET /v1/acl/policy/:id` */
export function readPolicy(asked: Asked): Query {
  const id = idOf(asked, 'policy ID');
  return oneRecord(asked, policies, withId(id, 'policy'), (_state, policy) => policyJson(policy));
}

/** `GET /v1/acl/policy/name/:name` */
export function readPolicyByName(asked: Asked): Query {
  const name = restOf(asked, 'policy Name');
  return oneRecord(asked, policies, withName(name, 'policy'), (_state, policy) => policyJson(policy));
}

/** `PUT /v1/acl/policy` and `PUT /v1/acl/policy/:id` */
export const putPolicy = endpoint({
  decode: async (incoming) => {
    const id = unescapePath(incoming.rest);
    const fields = await decodeBody(incoming, policyBody, 'Policy decoding failed');
    if (id === '' && fields.ID) throw invalid('Cannot specify the ID when creating a new policy');
    checkSame('Policy', id, fields.ID);
    const input = {
      ...(id === '' ? {} : { id }),
      name: fields.Name ?? '',
      description: fields.Description ?? '',
      rules: fields.Rules ?? '',
      datacenters: fields.Datacenters ?? [],
    };
    return { scope: scopeIn(incoming, fields.Namespace), input };
  },
  permissions: toWrite,
  answer: async ({ scope, input }, { context, params }) => {
    const written = await context.security.admin.putPolicy(scope.namespace, input);
    return jsonBody(params)(placed(scope, written, policyJson(written)));
  },
});

/** Checks that the body names no other id than the path. @throws RegistryError `invalid_argument` */
export function checkSame(what: string, id: string, given: string | undefined): void {
  if (given && given !== id) throw invalid(`${what} ID in URL and payload do not match`);
}

/** `DELETE /v1/acl/policy/:id` */
export const deletePolicy = endpoint({
  decode: (incoming) => restOf(incoming, 'policy ID'),
  answer: async (id, { context: { security }, namespace, params }) => {
    if (security.acl.store.policy(namespace, id) === undefined) throw nothingToDelete('policy');
    await security.admin.deletePolicy(namespace, id);
    return jsonBody(params)(true);
  },
});

/** `GET /v1/acl/roles?policy=` */
export function listRoles(asked: Asked): Query {
  const policy = asked.params.get('policy');
  const wanted = (role: Role) => policy === '' || role.policies.includes(policy);
  return recordList(asked, roles, { name: JSON.stringify(policy), wanted, key: ({ name }) => name }, roleJson);
}

/** `GET /v1/acl/role/:id` */
export function readRole(asked: Asked): Query {
  const id = idOf(asked, 'role ID');
  return oneRecord(asked, roles, withId(id, 'role'), roleJson);
}

/** `GET /v1/acl/role/name/:name` */
export function readRoleByName(asked: Asked): Query {
  const name = restOf(asked, 'role Name');
  return oneRecord(asked, roles, withName(name, 'role'), roleJson);
}

/** `PUT /v1/acl/role` and `PUT /v1/acl/role/:id` */
export const putRole = endpoint({
  decode: async (incoming) => {
    const id = unescapePath(incoming.rest);
    const fields = await decodeBody(incoming, roleBody, 'Role decoding failed');
    checkSame('Role', id, fields.ID);
    const input = {
      ...(id === '' ? {} : { id }),
      name: fields.Name ?? '',
      description: fields.Description ?? '',
      ...grantsInput(fields),
    };
    return { scope: scopeIn(incoming, fields.Namespace), input };
  },
  permissions: toWrite,
  answer: async ({ scope, input }, { context, params }) => {
    const written = await context.security.admin.putRole(scope.namespace, input);
    return jsonBody(params)(placed(scope, written, roleJson(context.registry.state, written)));
  },
});

/** `DELETE /v1/acl/role/:id` */
export const deleteRole = endpoint({
  decode: (incoming) => restOf(incoming, 'role ID'),
  answer: async (id, { context: { security }, namespace, params }) => {
    if (security.acl.store.role(namespace, id) === undefined) throw nothingToDelete('role');
    await security.admin.deleteRole(namespace, id);
    return jsonBody(params)(true);
  },
});
