/**
 * `/v1/query`: prepared queries, which are questions about a service that are kept under a name
 * (https://developer.hashicorp.com/consul/api-docs/query). What they are and find is
 * `registry/prepared-query.ts`' business, since DNS answers them, too.
 */

import { defaultNamespace, RegistryError } from '@rollcall/protocol';
import { queryType } from '../../../registry/bound-record.ts';
import { type FoundQuery, PreparedQueries } from '../../../registry/prepared-query-lookup.ts';
import { type PreparedQuery, queryOf } from '../../../registry/prepared-query.ts';
import { find } from '../../../registry/reader.ts';
import type { Registry } from '../../../registry/registry.ts';
import type { RowOf } from '../../../registry/rows.ts';
import { viewOf } from '../../../registry/view-name.ts';
import { hiddenSecret } from '../acl/acl-json.ts';
import { decodeBody } from '../request/body.ts';
import { type Call, demand, type Handler, listed } from '../request/call.ts';
import { type Asked, formOf, jsonBody, type Query } from '../request/query.ts';
import { invalid } from '../wire/errors.ts';
import { writeList } from '../wire/json-writer.ts';
import { unescapePath } from '../wire/params.ts';
import type { Reply } from '../wire/reply.ts';
import { inOrder, order, select } from '../wire/slices.ts';
import { preparedFrom } from './definition.ts';
import { execute } from './execution.ts';
import { preparedQuery } from './schema.ts';
import { bound, executor } from './token.ts';

/** `GET /v1/query` */
export function list({ namespace, params }: Asked): Query {
  return {
    view: viewOf.records(namespace, queryType),
    name: `${formOf(params)} queries`,
    shows: ['query', 'acl'],
    pretty: params.has('pretty'),
    *write(state, visible, out) {
      const seen = (row: RowOf<'record'>) => {
        const prefix = prefixOf(queryOf(row));
        return prefix === undefined ? visible.includesHidden() : visible.includes('query', prefix);
      };
      const rows = yield* select(find.records(state, namespace, queryType), seen, out.pace);
      const sorted = yield* inOrder(rows, (a, b) => order(a.id, b.id), out.pace);
      yield* writeList(out, sorted, (row) => queryJson(row, queryOf(row)));
    },
  };
}

/** `GET /v1/query/:query`, and with `/execute` or `/explain` after it. */
export function reader(): Handler {
  const queriesOf = lookup();
  return (call) => {
    const { context, rest, params } = call;
    const [, name = '', verb = ''] = /^(.*?)(?:\/(execute|explain))?$/s.exec(rest) ?? [];
    const wanted = unescapePath(name);
    const body = jsonBody(params);
    if (verb === '') {
      const row = find.record(context.registry.state, defaultNamespace, queryType, wanted);
      if (row === undefined) throw unknownQuery();
      demandQuery(call, 'read', row);
      return body([queryJson(row, queryOf(row))]);
    }
    const { row, query } = found(queriesOf(context.registry), call.namespace, wanted);
    if (verb === 'execute') {
      const caller = executor(call, queryOf(row));
      return listed({ ...call, caller }, execute(call, query));
    }
    demandQuery(call, 'read', row);
    return body({ Query: queryJson(row, query) });
  };
}

/** The index of a registry's queries, kept for as long as the registry is the same. */
function lookup(): (registry: Registry) => PreparedQueries {
  let kept: { readonly registry: Registry; readonly queries: PreparedQueries } | undefined;
  return (registry) => {
    if (kept?.registry !== registry) kept = { registry, queries: new PreparedQueries(registry) };
    return kept.queries;
  };
}

function found(queries: PreparedQueries, namespace: string, name: string): FoundQuery {
  const query = queries.find(namespace, name);
  if (query === undefined) throw unknownQuery();
  return query;
}

/** `POST /v1/query` */
export async function create(call: Call): Promise<Reply> {
  const { context, params } = call;
  const fields = await decodeBody(call, preparedQuery);
  if (fields.ID) throw invalid('ID must be empty when creating a new prepared query');
  const id = context.uuid();
  const query = bound(call, preparedFrom(fields), fields.Token ?? '');
  demandPrefix(call, 'write', query);
  await context.registry.submit({ kind: 'query-put', namespace: call.namespace, id, query, update: false });
  return jsonBody(params)({ ID: id });
}

/** `PUT /v1/query/:query` */
export async function update(call: Call): Promise<Reply> {
  const id = unescapePath(call.rest);
  const fields = await decodeBody(call, preparedQuery);
  const before = find.record(call.context.registry.state, call.namespace, queryType, id);
  demandQuery(call, 'write', before);
  const query = bound(call, preparedFrom(fields), fields.Token ?? '', before === undefined ? undefined : queryOf(before));
  demandPrefix(call, 'write', query);
  const existed = await call.context.registry.submit({ kind: 'query-put', namespace: call.namespace, id, query, update: true });
  if (!existed) throw nothingToChange(id);
  return undefined;
}

/** `DELETE /v1/query/:query` */
export async function remove(call: Call): Promise<Reply> {
  const id = unescapePath(call.rest);
  demandQuery(call, 'write', find.record(call.context.registry.state, call.namespace, queryType, id));
  const existed = await call.context.registry.submit({ kind: 'record-delete', namespace: call.namespace, type: queryType, id });
  if (!existed) throw nothingToChange(id);
  return undefined;
}

/** The name by which rules speak of a query; without one, whoever knows its id may use it, as in Consul. */
function prefixOf({ Name, Template }: PreparedQuery): string | undefined {
  return Name === '' && Template.Type === '' ? undefined : Name;
}

function demandPrefix(call: Call, verb: 'read' | 'write', query: PreparedQuery): void {
  const prefix = prefixOf(query);
  if (prefix !== undefined) demand(call, 'query', verb, prefix);
}

function demandQuery(call: Call, verb: 'read' | 'write', row: RowOf<'record'> | undefined): void {
  if (row !== undefined) demandPrefix(call, verb, queryOf(row));
}

function queryJson(row: RowOf<'record'>, { Name, Session, Accessor, Template, Service, DNS }: PreparedQuery): object {
  return {
    ID: row.id,
    Name,
    Session,
    Token: Accessor === undefined ? '' : hiddenSecret,
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
