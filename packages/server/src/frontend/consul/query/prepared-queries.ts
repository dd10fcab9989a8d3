/**
 * `/v1/query`: prepared queries, which are stored questions about a service
 * (https://developer.hashicorp.com/consul/api-docs/query). Their execution: `registry/kind/query/`, which DNS uses, too.
 */

import { isRegistryError, RegistryError } from '@rollcall/protocol';
import { inOrder, order, select } from '../../../net/slices.ts';
import type { QueryDelete, QueryPut } from '../../../registry/kind/query/commands.ts';
import { allQueries, findQuery } from '../../../registry/kind/query/find.ts';
import { type FoundQuery, PreparedQueries } from '../../../registry/kind/query/lookup.ts';
import type { PreparedQuery, QueryRow } from '../../../registry/kind/query/rows.ts';
import { queriesView } from '../../../registry/kind/query/views.ts';
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
import { preparedFrom } from './definition.ts';
import { execute } from './execution.ts';
import { queryFields } from './query-json.ts';
import { preparedQuery } from './schema.ts';
import { bound, executor } from './token.ts';

/** `GET /v1/query` */
export function list(asked: Asked): Query {
  const { namespace, params } = asked;
  return {
    view: queriesView(namespace),
    name: `${formOf(asked)} queries`,
    shows: ['query', 'acl'],
    pretty: params.has('pretty'),
    *write(state, visible, out) {
      const seen = (row: QueryRow) => {
        const prefix = prefixOf(row.query);
        return prefix === undefined ? visible.includesHidden() : visible.includes('query', prefix);
      };
      const rows = yield* select(allQueries(state, namespace), seen, out.pace);
      const sorted = yield* inOrder(rows, (a, b) => order(a.id, b.id), out.pace);
      yield* writeList(out, sorted, (row) => queryJson(row, row.query));
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
      const row = verb === '' ? findQuery(state, namespace, wanted) : found(queriesOf(context.registry), namespace, wanted)?.row;
      return row === undefined ? [] : forQuery('read', row.query);
    },
    answer: ({ wanted, verb }, call) => {
      const { namespace, context: { registry } } = call;
      const body = jsonBody(call.params);
      if (verb === '') {
        const row = findQuery(registry.state, namespace, wanted);
        if (row === undefined) throw unknownQuery();
        return body([queryJson(row, row.query)]);
      }
      const known = found(queriesOf(registry), namespace, wanted);
      if (known === undefined) throw unknownQuery();
      const { row, query } = known;
      if (verb === 'explain') return body({ Query: queryJson(row, query) });
      const about = { ...call, ...whereItLooks(query, call, executor(call, row.query)) };
      return listed(about, execute(about, query));
    },
  });
}

/** The caller, and the scope of the service. A query that names a namespace is answered like a request that names it. */
function whereItLooks({ service: { namespace } }: PreparedQuery, call: Scope, caller: Caller): Pick<Call, 'caller' | 'namespace' | 'named'> {
  if (namespace === undefined) return { caller, namespace: call.namespace, named: call.named };
  return { caller, namespace: namespaceFor(caller, namespace), named: true };
}

/** @throws RegistryError with Consul's text when the id of a template is asked for */
function found(queries: PreparedQueries, namespace: string, wanted: string): FoundQuery | undefined {
  try {
    return queries.find(namespace, wanted);
  } catch (error) {
    if (!isRegistryError(error, 'invalid_argument')) throw error;
    throw invalid('prepared query templates can only be resolved up by name, not by ID');
  }
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
    await put(call, { kind: 'query-put', namespace, id, query: bound(call, query, token), update: false });
    return jsonBody(params)({ ID: id });
  },
});

/** `PUT /v1/query/:query` */
export const update = endpoint({
  decode: async (incoming): Promise<Definition & { readonly id: string }> => {
    const id = unescapePath(incoming.rest);
    const fields = await decodeBody(incoming, preparedQuery);
    return { id, query: preparedFrom(fields), token: fields.Token ?? '' };
  },
  *permissions({ id, query }, state, { namespace }) {
    yield* forKnownQuery(state, namespace, id);
    yield* forQuery('write', query);
  },
  answer: async ({ id, query, token }, call) => {
    const { context, namespace } = call;
    const before = findQuery(context.registry.state, namespace, id)?.query;
    const existed = await put(call, { kind: 'query-put', namespace, id, query: bound(call, query, token, before), update: true });
    if (!existed) throw nothingToChange(id);
    return undefined;
  },
});

/** @throws RegistryError with Consul's text when another query has the name */
async function put({ context }: Call, command: QueryPut): Promise<boolean> {
  try {
    return await context.registry.submit(command);
  } catch (error) {
    if (!isRegistryError(error, 'already_exists')) throw error;
    const { name } = command.query;
    throw invalid(name === '' ? 'a query template with an empty name already exists' : `name '${name}' aliases an existing query name`);
  }
}

/** `DELETE /v1/query/:query` */
export const remove = commandEndpoint({
  decode: ({ rest }) => unescapePath(rest),
  permissions: (id, state, { namespace }) => forKnownQuery(state, namespace, id),
  command: (id, { namespace }): QueryDelete => ({ kind: 'query-delete', namespace, id }),
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
  const row = findQuery(state, namespace, id);
  return row === undefined ? [] : forQuery('write', row.query);
}

function queryJson(row: QueryRow, query: PreparedQuery): object {
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
