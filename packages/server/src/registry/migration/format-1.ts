/**
 * Records of format 1, the only one before namespaces: their keys have no namespace, and their values no head, so each
 * begins with the `{` of its JSON. Converts them to the formats of today. Pure; reading and writing them is the
 * business of the store's start (`carry-over.ts`) and of the restore.
 */

import { defaultNamespace, RegistryError } from '@rollcall/protocol';
import { checksView, nodesView, serviceView, servicesView, sharedNodeView } from '../kind/catalog/views.ts';
import { coordinatesView } from '../kind/coordinate/views.ts';
import { queriesView } from '../kind/query/views.ts';
import { recordsView } from '../kind/record/views.ts';
import { sessionsView } from '../kind/session/views.ts';
import { administrativeCheck } from '../kind/catalog/administrative-check.ts';
import { instanceKey } from '../kind/catalog/keys.ts';
import type { CheckRow } from '../kind/catalog/rows.ts';
import { decodeRow, encodeRow, keyOf, type Row } from '../kinds.ts';
import { kindOf, noNamespace } from '../row.ts';
import { coordinateType1, queryType1, rowOfRecord } from './records-1.ts';

const brace = 0x7b;
const newline = 0x0a;

/** Types of records that belong to no namespace, as format 1 names them: those of the server itself and of nodes. */
const withoutNamespace: ReadonlySet<string> = new Set(['server', 'consul-event', 'consul-files']);

interface Entry {
  readonly key: string;
  readonly value: Uint8Array;
}

export function isFormat1({ value }: Pick<Entry, 'value'>): boolean {
  return value[0] === brace;
}

/** A record of today. */
export interface Converted extends Entry {
  /** Key of the record of an instance that this one, its drain, says to be draining: see `withDrains`. */
  readonly drains?: string;
}

/**
 * @param revision of the record; 0 when it has none, as in a backup
 * @throws RegistryError `data_loss` when the record is not of format 1
 */
export function fromFormat1({ key, value }: Entry, revision: number): Converted {
  let row: Row;
  try {
    row = rowOf(key, value, revision);
  } catch (cause) {
    throw new RegistryError('data_loss', `record ${JSON.stringify(key.slice(0, 200))} cannot be read`, { cause });
  }
  const entry = { key: keyOf(row), value: encodeRow(row) };
  if (row.kind !== 'check' || row.type !== 'status') return entry;
  return { ...entry, drains: instanceKey(row.namespace, row.node, row.instance) };
}

/**
 * Gives the instances whose drains were converted their status. In format 1 a drain was a check of its own type, which only the server
 * registered; today it is the instance's status, and the check only shows it. A step is one record.
 * @param records of today; those of the instances are replaced
 * @param drained keys of their records
 */
export function* withDrains(records: Entry[], drained: ReadonlySet<string>): Generator<void, void, undefined> {
  for (const [at, { key, value }] of records.entries()) {
    if (drained.has(key)) {
      const row = decodeRow(key, value, 0, (text) => text);
      if (row.kind === 'instance') records[at] = { key, value: encodeRow({ ...row, status: 'draining' }) };
    }
    yield;
  }
}

type Fields = Record<string, unknown> & { readonly kind: string };

function rowOf(key: string, value: Uint8Array, revision: number): Row {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const isKv = key.startsWith('kv\0');
  const end = isKv ? bytes.indexOf(newline) : bytes.length;
  const { kind, ...fields } = JSON.parse(bytes.toString('utf8', 0, end)) as Fields;
  if (kind !== kindOf(key)) throw new TypeError(`it is a ${kind}`);
  if (isKv) Object.assign(fields, { value: bytes.subarray(end + 1), flags: BigInt(fields['flags'] as string) });
  const created = fields['created'] === 0 ? revision : fields['created'];
  return { kind, ...converted(kind, fields), created, modified: 0 } as unknown as Row;
}

/** The fields of the row, its kind only if that is another one today. */
function converted(kind: string, fields: Record<string, unknown>): Record<string, unknown> {
  switch (kind) {
    case 'node':
    case 'floor':
      return fields;
    case 'instance':
      return { namespace: defaultNamespace, ...instanceOf(fields as unknown as Instance1) };
    case 'check':
      return fields['type'] === 'drain' ? drainOf(fields as unknown as CheckRow) : { namespace: defaultNamespace, ...fields };
    case 'kv':
    case 'tombstone':
    case 'delay':
      return { namespace: defaultNamespace, ...fields };
    case 'session': {
      const checks = (fields['checks'] as readonly string[]).map((id) => ({ namespace: defaultNamespace, id }));
      return { namespace: defaultNamespace, ...fields, checks };
    }
    case 'record':
      return rowOfRecord(fields as { type: string; id: string; value: unknown }) ?? { namespace: namespaceOf(fields['type'] as string), ...fields };
    case 'view':
      return { ...fields, view: newView(fields['view'] as string) };
    default:
      throw new TypeError(`${kind} is no kind of format 1`);
  }
}

/** The present form of a drain. */
function drainOf({ node, instance, created }: CheckRow): Record<string, unknown> {
  return { ...administrativeCheck({ namespace: defaultNamespace, node, instance }, 'draining'), created };
}

interface Instance1 extends Record<string, unknown> {
  readonly weights: { readonly passing: number; readonly warning: number };
  readonly foreign?: { readonly consul?: { readonly Locality?: { readonly Region?: string; readonly Zone?: string } } };
}

/** The time of registration is unknown, so it is 0. Region and zone were kept in Consul's form. */
function instanceOf({ weights, foreign, ...fields }: Instance1): Record<string, unknown> {
  const { passing: weight, warning: warningWeight } = weights;
  const { Locality, ...consul } = foreign?.consul ?? {};
  const { Region = '', Zone = '' } = Locality ?? {};
  return {
    ...fields,
    weight,
    ...(warningWeight === weight ? {} : { warningWeight }),
    ...(Region === '' ? {} : { region: Region }),
    ...(Zone === '' ? {} : { zone: Zone }),
    ...(Object.keys(consul).length === 0 ? {} : { foreign: { ...foreign, consul } }),
    registeredMs: 0,
  };
}

function namespaceOf(type: string): string {
  return withoutNamespace.has(type) ? noNamespace : defaultNamespace;
}

/** The present name of the view of a marker. */
function newView(view: string): string {
  const [kind = '', ...rest] = view.split('\0');
  const name = rest.join('\0');
  switch (kind) {
    case 'nodes':
      return nodesView();
    case 'node':
      return sharedNodeView(name);
    case 'service':
      return serviceView(defaultNamespace, name);
    case 'services':
      return servicesView(defaultNamespace);
    case 'checks':
      return checksView(defaultNamespace);
    case 'sessions':
      return sessionsView(defaultNamespace);
    case 'records':
      if (name === queryType1) return queriesView(defaultNamespace);
      return name === coordinateType1 ? coordinatesView() : recordsView(namespaceOf(name), name);
    default:
      throw new TypeError(`${kind} is no view of format 1 that has markers`);
  }
}
