/**
 * `/v1/query`: prepared queries, which are questions about a service that are kept under a name
 * (https://developer.hashicorp.com/consul/api-docs/query). They are records of the store; those that are
 * bound to a session end with it.
 *
 * A template may name `${name.full}`, `${name.prefix}` and `${name.suffix}`. There is one datacenter, so
 * nothing fails over.
 */

import { RegistryError } from '@rollcall/protocol';
import { find } from '../../registry/reader.ts';
import type { Json, RowOf } from '../../registry/rows.ts';
import type { State } from '../../registry/state.ts';
import { viewOf } from '../../registry/view-name.ts';
import { decodeBody, type Call, type Reply } from './call.ts';
import { preparedQuery, type PreparedQueryFields } from './definitions.ts';
import { invalid, quoted } from './errors.ts';
import { parseDuration } from './go-duration.ts';
import { unescapePath } from './params.ts';
import { formOf, jsonBody, type Asked, type Query } from './query.ts';
import { execute, type Prepared, type PreparedService } from './query-execution.ts';
import { order } from './selection.ts';
import { vetName } from './vetting.ts';

/** Type of the records; the id is the query's. */
const recordType = 'consul-query';

/** Of the part of a query that can be long, as JSON. */
const serviceBytesMax = 16_384;

const templateType = 'name_prefix_match';

/** `GET /v1/query` */
export function list({ params }: Asked): Query {
  const body = jsonBody(params);
  return {
    view: viewOf.records(recordType),
    others: () => [viewOf.sessions()],
    name: `${formOf(params)} queries`,
    encode: (state) => body(living(state).map((row) => queryJson(row, preparedOf(row)))),
  };
}

/** `GET /v1/query/:query`, and with `/execute` or `/explain` after it. */
export function read(call: Call): Reply {
  const { context, rest, params } = call;
  const { state } = context.registry;
  const [, name = '', verb = ''] = /^(.*?)(?:\/(execute|explain))?$/s.exec(rest) ?? [];
  const wanted = unescapePath(name);
  const body = jsonBody(params);
  if (verb === '') {
    const row = living(state).find(({ id }) => id === wanted);
    if (row === undefined) throw unknownQuery();
    return body([queryJson(row, preparedOf(row))]);
  }
  const found = resolve(state, wanted);
  if (found === undefined) throw unknownQuery();
  const rendered = render(preparedOf(found), wanted);
  if (verb === 'explain') return body({ Query: queryJson(found, rendered) });
  return body(execute(call, rendered));
}

/** `POST /v1/query` */
export async function create(call: Call): Promise<Reply> {
  const { context, params } = call;
  const fields = await decodeBody(call, preparedQuery);
  if (fields.ID) throw invalid('ID must be empty when creating a new prepared query');
  const id = context.uuid();
  await write(call, id, preparedFrom(fields));
  return jsonBody(params)({ ID: id });
}

/** `PUT /v1/query/:query` */
export async function update(call: Call): Promise<Reply> {
  const id = unescapePath(call.rest);
  const fields = await decodeBody(call, preparedQuery);
  existing(call, id);
  await write(call, id, preparedFrom(fields));
  return undefined;
}

/** `DELETE /v1/query/:query` */
export async function remove(call: Call): Promise<Reply> {
  const id = unescapePath(call.rest);
  existing(call, id);
  await call.context.registry.submit({ kind: 'record-delete', type: recordType, id });
  return undefined;
}

function existing({ context }: Call, id: string): void {
  if (living(context.registry.state).some((row) => row.id === id)) return;
  throw new RegistryError('not_found', `Cannot modify non-existent prepared query: '${id.slice(0, 80)}'`);
}

async function write({ context: { registry } }: Call, id: string, prepared: Prepared): Promise<void> {
  const { state } = registry;
  const { Session, Name } = prepared;
  if (Session !== '' && find.session(state, Session) === undefined) {
    throw new RegistryError('failed_precondition', `invalid session ${quoted(Session)}`);
  }
  const aliased = invalid(`name '${Name}' aliases an existing query name`);
  const taken = () => living(state).filter((row) => row.id !== id && isSameName(preparedOf(row), prepared));
  if (taken().length > 0) throw aliased;
  const value = { ...prepared } as unknown as Json;
  await registry.submit({ kind: 'record-put', type: recordType, id, value });
  const own = find.record(state, recordType, id);
  // Of two that were written at the same time with one name, the later one goes again.
  const first = (row: RowOf<'record'>) =>
    own !== undefined && (row.modified < own.modified || (row.modified === own.modified && row.id < id));
  if (taken().some(first)) {
    await registry.submit({ kind: 'record-delete', type: recordType, id });
    throw aliased;
  }
  for (const row of [...find.records(state, recordType)]) {
    if (!isAlive(state, row)) await registry.submit({ kind: 'record-delete', type: recordType, id: row.id });
  }
}

function isSameName(a: Prepared, b: Prepared): boolean {
  if (a.Template.Type !== b.Template.Type) return false;
  return a.Name === b.Name && (a.Name !== '' || a.Template.Type !== '');
}

function living(state: State): RowOf<'record'>[] {
  const rows = [...find.records(state, recordType)].filter((row) => isAlive(state, row));
  return rows.sort((a, b) => order(a.id, b.id));
}

function isAlive(state: State, row: RowOf<'record'>): boolean {
  const { Session } = preparedOf(row);
  return Session === '' || find.session(state, Session) !== undefined;
}

function preparedOf({ value }: RowOf<'record'>): Prepared {
  return value as unknown as Prepared;
}

/** By id, by name, or the template with the longest prefix of the name. */
function resolve(state: State, wanted: string): RowOf<'record'> | undefined {
  const rows = living(state);
  const named = (row: RowOf<'record'>) => {
    const { Template, Name } = preparedOf(row);
    return Template.Type === '' && Name === wanted;
  };
  const exact = rows.find(({ id }) => id === wanted) ?? rows.find((row) => wanted !== '' && named(row));
  if (exact !== undefined) return exact;
  const templates = rows.filter((row) => {
    const { Template, Name } = preparedOf(row);
    return Template.Type === templateType && wanted.startsWith(Name);
  });
  return templates.sort((a, b) => preparedOf(b).Name.length - preparedOf(a).Name.length)[0];
}

function render(prepared: Prepared, full: string): Prepared {
  const { Template, Name, Service } = prepared;
  if (Template.Type === '') return prepared;
  const suffix = full.startsWith(Name) ? full.slice(Name.length) : '';
  const parts: Readonly<Record<string, string>> = {
    'name.full': full,
    'name.prefix': Name,
    'name.suffix': suffix,
  };
  const fill = (value: unknown): unknown => {
    if (typeof value === 'string') return value.replace(variable, (_all, name: string) => parts[name] ?? '');
    if (Array.isArray(value)) return value.map(fill);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fill(item)]));
  };
  const filled = fill(Service) as PreparedService;
  const Tags = Template.RemoveEmptyTags ? filled.Tags.filter((tag) => tag !== '') : filled.Tags;
  return { ...prepared, Service: { ...filled, Tags } };
}

const variable = /\$\{\s*([^}]*?)\s*\}/g;
const variables: readonly string[] = ['name.full', 'name.prefix', 'name.suffix'];

/** @throws RegistryError `invalid_argument` */
function preparedFrom(fields: PreparedQueryFields): Prepared {
  const { Name = '', Session = '', Template = {}, Service = {}, DNS = {} } = fields;
  const { Type = '', Regexp = '', RemoveEmptyTags = false } = Template;
  const refuse = (reason: string) => invalid(`Invalid prepared query: ${reason}`);
  vetName(Name, 'query name');
  if (Type !== '' && Type !== templateType) throw badTemplate(`Bad Template.Type '${Type.slice(0, 80)}'`);
  if (Regexp !== '') throw badTemplate('Template.Regexp is not supported; use ${name.suffix}');
  if (Name === '' && Type === '' && Session === '') throw refuse('Must be bound to a session');
  if (!Service.Service) throw refuse('Must provide a Service name to query');
  if (Service.Peer || Service.SamenessGroup) throw refuse('there are no peers and no sameness groups');
  const { TTL = '' } = DNS;
  if (TTL !== '') vetTtl(TTL);
  const service: PreparedService = {
    Service: vetName(Service.Service, 'service name'),
    Failover: Service.Failover ?? { NearestN: 0, Datacenters: null, Targets: null },
    OnlyPassing: Service.OnlyPassing ?? false,
    IgnoreCheckIDs: Service.IgnoreCheckIDs ?? [],
    Near: Service.Near ?? '',
    Tags: Service.Tags ?? [],
    NodeMeta: Service.NodeMeta ?? {},
    ServiceMeta: Service.ServiceMeta ?? {},
    Connect: Service.Connect ?? false,
  };
  if (Type !== '') {
    for (const [, name = ''] of JSON.stringify(service).matchAll(variable)) {
      if (variables.includes(name)) continue;
      throw badTemplate(`unknown variable ${quoted(name)}; use ${variables.join(', ')}`);
    }
  }
  const bytes = Buffer.byteLength(JSON.stringify(service));
  if (bytes > serviceBytesMax) throw refuse(`Service has ${bytes} bytes, the limit is ${serviceBytesMax}`);
  return { Name, Session, Template: { Type, Regexp, RemoveEmptyTags }, Service: service, DNS: { TTL } };
}

function badTemplate(reason: string): RegistryError {
  return invalid(`failed compiling template: ${reason}`);
}

function vetTtl(ttl: string): void {
  let ns: number;
  try {
    ns = parseDuration(ttl);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw invalid(`Invalid prepared query: Bad DNS TTL '${ttl.slice(0, 80)}': ${reason}`);
  }
  if (ns < 0) throw invalid(`Invalid prepared query: DNS TTL '${ttl.slice(0, 80)}' must be >=0`);
}

function queryJson(row: RowOf<'record'>, { Name, Session, Template, Service, DNS }: Prepared): object {
  return {
    ID: row.id,
    Name,
    Session,
    Token: '',
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
