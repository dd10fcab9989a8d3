/**
 * `/v1/namespace` and `/v1/namespaces`: the namespaces themselves
 * (https://developer.hashicorp.com/consul/api-docs/v1.10.x/namespaces). The namespace of other requests: `request/scope.ts`.
 */

import { defaultNamespace, RegistryError } from '@rollcall/protocol';
import { order } from '../../../net/slices.ts';
import type { NamespacePut } from '../../../registry/kind/namespace/commands.ts';
import { findNamespace, namespaceNames } from '../../../registry/kind/namespace/find.ts';
import { namespacesView } from '../../../registry/kind/namespace/views.ts';
import { recordsView } from '../../../registry/kind/record/views.ts';
import { type Link, readPolicyLinks, readRoleLinks } from '../../../security/grants.ts';
import { recordTypes } from '../../../security/records.ts';
import { decodeBody } from '../request/body.ts';
import type { Call, Incoming } from '../request/call.ts';
import { endpoint } from '../request/endpoint.ts';
import { type Permission, permission, toDefine } from '../request/permission.ts';
import { type Asked, formOf, jsonBody, type Query, restOf } from '../request/query.ts';
import { vetNamespace } from '../request/scope.ts';
import { invalid, quoted } from '../wire/errors.ts';
import { keep, kept } from '../wire/foreign.ts';
import { writeList } from '../wire/json-writer.ts';
import { unescapePath } from '../wire/params.ts';
import type { Reply } from '../wire/reply.ts';
import { vetMeta, vetText } from '../wire/vetting.ts';
import { type DefaultIds, namespaceJson } from './namespace-json.ts';
import { namespaceBody, type NamespaceFields } from './schema.ts';

/** A definition shows the names of its default policies and roles. */
const shownWith = [recordsView(defaultNamespace, recordTypes.policy), recordsView(defaultNamespace, recordTypes.role)];

/** `GET /v1/namespaces`: those that the caller may see. */
export function list(asked: Asked): Query {
  return {
    view: namespacesView(),
    others: shownWith,
    name: `${formOf(asked)} namespaces`,
    shows: ['namespace'],
    pretty: asked.params.has('pretty'),
    *write(state, visible, out) {
      const seen = [...namespaceNames(state)].filter((name) => visible.includesNamespace(name)).sort(order);
      yield* writeList(out, seen, (name) => namespaceJson(state, name, findNamespace(state, name)));
    },
  };
}

/** `GET /v1/namespace/:name` */
export function read(asked: Asked): Query {
  const name = vetNamespace(restOf(asked, 'namespace name'));
  const body = jsonBody(asked.params);
  return {
    view: namespacesView(),
    others: shownWith,
    name: `${formOf(asked)} namespace ${name}`,
    permission: toDefine(name, 'read'),
    shows: [],
    encode: (state) => {
      const row = findNamespace(state, name);
      return row === undefined && name !== defaultNamespace ? undefined : body(namespaceJson(state, name, row));
    },
  };
}

interface Definition {
  readonly command: NamespacePut;
  readonly policies: readonly Link[];
  readonly roles: readonly Link[];
}

/** `PUT /v1/namespace` and `PUT /v1/namespace/:name`: creates a namespace, or replaces its definition. */
export const write = endpoint({
  decode: async (incoming: Incoming): Promise<Definition> => {
    const named = unescapePath(incoming.rest);
    return definitionOf(named, await decodeBody(incoming, namespaceBody, 'Failed to decode the namespace'));
  },
  permissions: ({ command, policies, roles }): readonly Permission[] => [
    toDefine(command.name, 'write'),
    // The policies that a namespace adds to its tokens require the same right as writing the tokens.
    ...(policies.length + roles.length === 0 ? [] : [{ ...permission('acl', 'write'), namespace: defaultNamespace }]),
  ],
  answer: async ({ command, policies, roles }, { context, params }: Call): Promise<Reply> => {
    const { registry, security: { acl, admin } } = context;
    const { name } = command;
    // A link to a missing policy or role is refused before anything is written.
    const ids: DefaultIds = {
      PolicyDefaults: readPolicyLinks(acl.store, defaultNamespace, policies),
      RoleDefaults: readRoleLinks(acl.store, defaultNamespace, roles),
    };
    const some = policies.length + roles.length > 0;
    const created = name !== defaultNamespace && findNamespace(registry.state, name) === undefined;
    await registry.submit({ ...command, ...(some ? keep({ ...ids }) : {}) });
    if (created) await admin.addManagementPolicy(name);
    const before = acl.store.namespaceDefaults(name);
    if (some || before.policies.length + before.roles.length > 0) {
      await admin.putNamespaceDefaults(name, { policies, roles });
    }
    return jsonBody(params)(namespaceJson(registry.state, name, findNamespace(registry.state, name)));
  },
});

/** @throws RegistryError `invalid_argument` */
function definitionOf(named: string, fields: NamespaceFields): Definition {
  const { Name = '', Description = '', Meta = {}, ACLs = {}, Partition = '' } = fields;
  if (named !== '' && Name !== '' && Name !== named) {
    throw invalid(`The namespace name in the URL ${quoted(named)} does not match the name ${quoted(Name)} in the request body`);
  }
  if (named === '' && Name === '') throw invalid('Must specify a Name for Namespace creation');
  if (Partition !== '' && Partition !== 'default') throw invalid('Partitions are a Consul Enterprise feature');
  return {
    command: {
      kind: 'namespace-put',
      name: vetNamespace(named || Name),
      description: vetText(Description, 'namespace description'),
      meta: vetMeta(Meta, 'Namespace Meta', 'allowed'),
    },
    policies: linksOf(ACLs.PolicyDefaults),
    roles: linksOf(ACLs.RoleDefaults),
  };
}

function linksOf(links: readonly { readonly ID?: string; readonly Name?: string }[] = []): Link[] {
  return links.map(({ ID: id = '', Name: name = '' }) => ({ id, name }));
}

/**
 * `DELETE /v1/namespace/:name`: removes it with everything in it, in steps. From the first step on nothing is written in
 * it, and reads show `DeletedAt`; the answer comes after the last.
 */
export const remove = endpoint({
  decode: (incoming) => vetNamespace(restOf(incoming, 'namespace name')),
  permissions: (name) => [toDefine(name, 'write')],
  answer: async (name, { context: { registry, clock } }) => {
    if (name === defaultNamespace) throw invalid('The namespace "default" cannot be deleted');
    const row = findNamespace(registry.state, name);
    if (row === undefined) throw new RegistryError('not_found', `Namespace ${quoted(name)} does not exist`);
    if (row.ending !== true) {
      const { description, meta } = row;
      const at = new Date(clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
      await registry.submit({ kind: 'namespace-put', name, description, meta, ...keep({ ...kept(row), DeletedAt: at }) });
    }
    await registry.submit({ kind: 'namespace-delete', name });
    return undefined;
  },
});
