/**
 * Reads of access control that come from views, so that clients can wait for them: lists, and one record by its id or name.
 * The routes declare the permission `acl:read`.
 */

import { RegistryError } from '@rollcall/protocol';
import { inOrder, order, select } from '../../../net/slices.ts';
import { recordsOfType } from '../../../registry/kind/record/find.ts';
import { recordsView } from '../../../registry/kind/record/views.ts';
import type { RowOf } from '../../../registry/kinds.ts';
import type { Reader } from '../../../registry/reader.ts';
import { recordTypes } from '../../../security/records.ts';
import { type Permission, permission } from '../request/permission.ts';
import { type Asked, formOf, jsonBody, type Query, restOf } from '../request/query.ts';
import { placed, type Scope } from '../request/scope.ts';
import { invalid } from '../wire/errors.ts';
import { writeList } from '../wire/json-writer.ts';

type RecordType = (typeof recordTypes)[keyof typeof recordTypes];

/** A record of access control with its namespace. */
interface InNamespace {
  readonly namespace: string;
}

/** Reads and shows the records of one type. */
export interface Reading<T> {
  readonly type: RecordType;
  readonly of: (row: RowOf<'record'>) => T;
  /** Types whose names the answer shows, too. */
  readonly also?: readonly RecordType[];
}

/** The cost of reading a record. */
const unitsPerRecord = 1;

/**
 * @param choice names the selection; distinguishes this list from other lists of the type
 * @param key by which the list is sorted
 */
export function recordList<T extends InNamespace>(
  asked: Asked,
  { type, of, also = [] }: Reading<T>,
  choice: { readonly name: string; readonly wanted: (record: T) => boolean; readonly key: (record: T) => string },
  json: (state: Reader, record: T) => object,
): Query {
  const { namespace, params } = asked;
  return {
    view: recordsView(namespace, type),
    others: also.map((other) => recordsView(namespace, other)),
    name: `${formOf(asked)} ${type} list ${choice.name}`,
    shows: [],
    pretty: params.has('pretty'),
    *write(state, _visible, out) {
      const found: T[] = [];
      for (const row of yield* select(recordsOfType(state, namespace, type), () => true, out.pace)) {
        const record = of(row);
        if (choice.wanted(record)) found.push(record);
        if (out.pace.spend(unitsPerRecord)) yield;
      }
      const sorted = yield* inOrder(found, (a, b) => order(choice.key(a), choice.key(b)), out.pace);
      yield* writeList(out, sorted, (record) => placed(asked, record, json(state, record)));
    },
  };
}

/**
 * @param name identifies the record in the name of the representation
 * @param missing creates the error for a missing record
 */
export function oneRecord<T extends InNamespace>(
  asked: Asked,
  { type, of, also = [] }: Reading<T>,
  wanted: { readonly name: string; readonly is: (record: T) => boolean; readonly missing: () => RegistryError },
  json: (state: Reader, record: T) => object,
): Query {
  const { namespace, params } = asked;
  const body = jsonBody(params);
  return {
    view: recordsView(namespace, type),
    others: also.map((other) => recordsView(namespace, other)),
    name: `${formOf(asked)} ${type} ${wanted.name}`,
    shows: [],
    encode: (state) => {
      const found = [...recordsOfType(state, namespace, type)].map(of).find(wanted.is);
      if (found === undefined) throw wanted.missing();
      return body(placed(asked, found, json(state, found)));
    },
  };
}

/**
 * The id in the rest of the path.
 * @param what as Consul calls it: `policy ID`, `token AccessorID`
 * @throws RegistryError `invalid_argument` for an invalid id, with Consul's text
 */
export function idOf(asked: Pick<Asked, 'rest'>, what: string): string {
  const id = restOf(asked, what);
  if (id.length === 36) return id;
  throw invalid(`failed acl ${what.replace(/ (?:Accessor)?ID$/, '')} lookup: index error: UUID must be 36 characters`);
}

/** The one record with this id. @param what as Consul calls it: `policy` */
export function withId(id: string, what: string) {
  return { name: JSON.stringify(id), is: (one: { readonly id: string }) => one.id === id, missing: requestedMissing(what) };
}

/** The one record with this name. @param what as Consul calls it: `policy` */
export function withName(name: string, what: string) {
  return { name: `name ${name}`, is: (one: { readonly name: string }) => one.name === name, missing: requestedMissing(what) };
}

/** @param what as Consul calls it: `policy` */
function requestedMissing(what: string): () => RegistryError {
  return () => new RegistryError('not_found', `Requested ${what} does not exist: ACL not found`);
}

/** The permission to write a record in a namespace. */
export function toWrite({ scope }: { readonly scope: Scope }): readonly Permission[] {
  return [{ ...permission('acl', 'write'), namespace: scope.namespace }];
}

/** @param what as Consul calls it: `policy` */
export function nothingToDelete(what: string): RegistryError {
  return new RegistryError('not_found', `Cannot find ${what} to delete`);
}
