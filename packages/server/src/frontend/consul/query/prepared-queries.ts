/**
 * `/v1/query`: prepared queries, which are stored questions about a service
 * (https://developer.hashicorp.com/consul/api-docs/query). Their execution: `registry/kind/query/`, which DNS uses, too.
 */

import { RegistryError } from '@rollcall/protocol';
import { queryType } from '../../../registry/kind/record/bound.ts';
import type { QueryPut } from '../../../registry/kind/query/commands.ts';
import { queryOf, type PreparedQuery } from '../../../registry/kind/query/rows.ts';
import type { RecordDelete } from '../../../registry/kind/record/commands.ts';
import { findRecord, recordsOfType } from '../../../registry/kind/record/find.ts';
import { recordsView } from '../../../registry/kind/record/views.ts';
import type { RowOf } from '../../../registry/kinds.ts';
import { PreparedQueries } from '../../../registry/kind/query/lookup.ts';
import type { Registry } from '../../../registry/registry.ts';
import { State } from '../../../registry/state.ts';
import type { Caller } from '../../../security/acl.ts';
import { namespaceFor } from '../../../security/hidden-namespace.ts';
import { hiddenSecret } from '../acl/acl-json.ts';
import { decodeBody } from '../request/body.ts';
import { type Call, type Handler, listed } from '../request/call.ts';
import { commandEndpoint, endpoint } from '../request/endpoint.ts';
import { type Permission, permission } from '../request/permission.ts';
import { type Asked, formOf, jsonBody, type Query } from '../request/query.ts';
import type { Scope } from '../request/scope.ts';
import { invalid } from '../wire/errors.ts';
import { writeList } from '../wire/json-writer.ts';
import { unescapePath } from '../wire/params.ts';
import { inOrder, order, select } from '../wire/slices.ts';
import { preparedFrom } from './definition.ts';
import { execute } from './execution.ts';
import { queryFields } from './query-json.ts';
import { preparedQuery } from './schema.ts';
import { bound, executor } from './token.ts';

/** `GET /v1/query` */
export function list(asked: Asked): Query {
  const { namespace, params } = asked;
  return {
    view: recordsView(namespace, queryType),
    name: `${formOf(asked)} queries`,
    shows: ['query', 'acl'],
    pretty: params.has('pretty'),
    *write(state, visible, out) {
      const seen = (row: RowOf<'record'>) => {
        const prefix = prefixOf(queryOf(row));
        return prefix === undefined ? visible.includesHidden() : visible.includes('query', prefix);
      };
      const rows = yield* select(recordsOfType(state, namespace, queryType), seen, out.pace);
      const sorted = yield* inOrder(rows, (a, b) => order(a.id, b.id), out.pace);
      yield* writeList(out, sorted, (row) => queryJson(row, queryOf(row)));
    },
  };
}

type Verb = '' | 'execute' | 'explain';

/** `GET /v1/query/:query`, and with `/execute` or `/explain` after it. */
export function reader(): Handler {
  const queriesOf = lookup();
  return endpoint({
    decode: ({ rest }) => {
      const [, name = '', verb = ''] = /^(.*?)(?:\/(execute|explain))?$/s.exec(rest) ?? [];
      return { wanted: unescapePath(name), verb: verb as Verb };
    },
    permissions: ({ wanted, verb }, state, { context, namespace }) => {
      // Executing a query requires no permission for the query: the answer leaves out rows that the caller may not read.
      if (verb === 'execute') return [];
      const row = verb === '' ? findRecord(state, namespace, queryType, wanted) : queriesOf(context.registry).find(namespace, wanted)?.row;
      return row === undefined ? [] : forQuery('read', queryOf(row));
    },
    answer: ({ wanted, verb }, call) => {
      const { namespace, context: { registry } } = call;
      const body = jsonBody(call.params);
      if (verb === '') {
        const row = findRecord(registry.state, namespace, queryType, wanted);
        if (row === undefined) throw unknownQuery();
        return body([queryJson(row, queryOf(row))]);
      }
      const found = queriesOf(registry).find(namespace, wanted);
      if (found === undefined) throw unknownQuery();
      const { row, query } = found;
      if (verb === 'explain') return body({ Query: queryJson(row, query) });
      const about = { ...call, ...whereItLooks(query, call, executor(call, queryOf(row))) };
      return listed(about, execute(about, query));
    },
  });
}

/** The caller, and the scope of the service. A query that names a namespace is answered like a request that names it. */
function whereItLooks({ service: { namespace } }: PreparedQuery, call: Scope, caller: Caller): Pick<Call, 'caller' | 'namespace' | 'named'> {
  if (namespace === undefined) return { caller, namespace: call.namespace, named: call.named };
  return { caller, namespace: namespaceFor(caller, namespace), named: true };
}

/** The index of the queries of a registry. */
function lookup(): (registry: Registry) => PreparedQueries {
  let kept: { readonly registry: Registry; readonly queries: PreparedQueries } | undefined;
  return (registry) => {
    if (kept?.registry !== registry) kept = { registry, queries: new PreparedQueries(registry) };
    return kept.queries;
  };
}

interface Definition {
  readonly query: PreparedQuery;
  /** Secret of the token that the query is bound to; empty for none. */
  readonly token: string;
}

/** `POST /v1/query` */
export const create = endpoint({
  decode: async (incoming): Promise<Definition> => {
    const fields = await decodeBody(incoming, preparedQuery);
    if (fields.ID) throw invalid('ID must be empty when creating a new prepared query');
    return { query: preparedFrom(fields), token: fields.Token ?? '' };
  },
  permissions: ({ query }) => forQuery('write', query),
  answer: async ({ query, token }, call) => {
    const { context, namespace, params } = call;
    const id = context.uuid();
    await context.registry.submit({ kind: 'query-put', namespace, id, query: bound(call, query, token), update: false });
    return jsonBody(params)({ ID: id });
  },
});

/** `PUT /v1/query/:query` */
export const update = commandEndpoint({
  decode: async (incoming): Promise<Definition & { readonly id: string }> => {
    const id = unescapePath(incoming.rest);
    const fields = await decodeBody(incoming, preparedQuery);
    return { id, query: preparedFrom(fields), token: fields.Token ?? '' };
  },
  *permissions({ id, query }, state, { namespace }) {
    yield* forKnownQuery(state, namespace, id);
    yield* forQuery('write', query);
  },
  command: ({ id, query, token }, call): QueryPut => {
    const before = findRecord(call.context.registry.state, call.namespace, queryType, id);
    const kept = before === undefined ? undefined : queryOf(before);
    return { kind: 'query-put', namespace: call.namespace, id, query: bound(call, query, token, kept), update: true };
  },
  answer: (existed, { id }) => {
    if (!existed) throw nothingToChange(id);
    return undefined;
  },
});

/** `DELETE /v1/query/:query` */
export const remove = commandEndpoint({
  decode: ({ rest }) => unescapePath(rest),
  permissions: (id, state, { namespace }) => forKnownQuery(state, namespace, id),
  command: (id, { namespace }): RecordDelete => ({ kind: 'record-delete', namespace, type: queryType, id }),
  answer: (existed, id) => {
    if (!existed) throw nothingToChange(id);
    return undefined;
  },
});

/** The name of a query for access rules. A query without a name requires no permission: as in Consul, its id is enough. */
function prefixOf({ name, template }: PreparedQuery): string | undefined {
  return name === '' && template.type === '' ? undefined : name;
}

function forQuery(verb: 'read' | 'write', query: PreparedQuery): readonly Permission[] {
  const prefix = prefixOf(query);
  return prefix === undefined ? [] : [permission('query', verb, prefix)];
}

function forKnownQuery(state: State, namespace: string, id: string): readonly Permission[] {
  const row = findRecord(state, namespace, queryType, id);
  return row === undefined ? [] : forQuery('write', queryOf(row));
}

function queryJson(row: RowOf<'record'>, query: PreparedQuery): object {
  const { Name, Session, Template, Service, DNS } = queryFields(query);
  return {
    ID: row.id,
    Name,
    Session,
    Token: query.accessor === undefined ? '' : hiddenSecret,
    Template,
    Service: { ...Service, SamenessGroup: '', Peer: '' },
    DNS,
    CreateIndex: row.created,
    ModifyIndex: row.modified,
  };
}

function unknownQuery(): RegistryError {
  return new RegistryError('not_found', 'Query not found');
}

function nothingToChange(id: string): RegistryError {
  return new RegistryError('not_found', `Cannot modify non-existent prepared query: '${id.slice(0, 80)}'`);
}
