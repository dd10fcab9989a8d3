/**
 * The operations of `PUT /v1/txn`: from each verb to one step of the registry's `txn` command, and from
 * what came of it to Consul's result or error (`agent/consul/state/txn.go`). Pure.
 */

import { defaultNamespace, isRegistryError } from '@rollcall/protocol';
import type { KvPut, Register, Requirement, TxnFailure, TxnOperation } from '../../../registry/command.ts';
import { keys, type Row } from '../../../registry/rows.ts';
import type { State } from '../../../registry/state.ts';
import { checkJson, nodeJson, serviceJson } from '../catalog/catalog-json.ts';
import { catalogCheck, catalogInstance, vetNodeId } from '../catalog/definitions.ts';
import { instanceOf } from '../catalog/selection.ts';
import { kvJson } from '../kv/kv-json.ts';
import { invalid, quoted, Refused } from '../wire/errors.ts';
import { keep } from '../wire/foreign.ts';
import type { JsonValue } from '../wire/json.ts';
import { checkName, vetMeta, vetName } from '../wire/vetting.ts';
import type { TxnOperationFields } from './schema.ts';

/** What results show besides their rows. */
export interface Shown {
  readonly datacenter: string;
  readonly state: State;
}

export interface Operation {
  readonly step: TxnOperation;
  /** @param rows what the step read */
  readonly results: (rows: readonly Row[], shown: Shown) => JsonValue[];
  readonly failure: (failure: TxnFailure) => string;
}

/** What is wrong with an operation, so that it cannot be tried. */
export interface Refusal {
  readonly what: string;
}

/** Of an operation that says nothing, which Consul passes over. */
const noOperation: Operation = { step: {}, results: () => [], failure: () => '' };

/** @param valueBytesMax of one KV value */
export function operationOf(fields: TxnOperationFields, valueBytesMax: number): Operation | Refusal {
  try {
    if (fields.KV !== undefined) return kvOperation(fields.KV, valueBytesMax);
    if (fields.Node !== undefined) return nodeOperation(fields.Node);
    if (fields.Service !== undefined) return serviceOperation(fields.Service);
    if (fields.Check !== undefined) return checkOperation(fields.Check);
    if (fields.Session !== undefined) return sessionOperation(fields.Session);
    return noOperation;
  } catch (error) {
    // What is wrong with one operation is told with its index, like the errors that depend on the state.
    if (!(error instanceof Refused) && isRegistryError(error, 'invalid_argument')) return { what: error.message };
    throw error;
  }
}

/** A number beyond what revisions reach matches nothing. */
function revisionOf(index: bigint | undefined): number {
  if (index === undefined) return 0;
  return index <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(index) : -1;
}

function refused({ error }: TxnFailure): string {
  return error?.message ?? '';
}

function kvOperation(
  fields: NonNullable<TxnOperationFields['KV']>,
  valueBytesMax: number,
): Operation {
  const { Verb = '', Key: key = '', Value: encoded = '', Flags: flags = 0n, Session: session = '' } = fields;
  const value = Buffer.from(encoded, 'base64');
  if (value.length > valueBytesMax) {
    const sizes = `(${value.length} > ${valueBytesMax} bytes)`;
    throw new Refused(413, `Value for key ${quoted(key)} is too large ${sizes}`);
  }
  // In Consul it is the decoder of JSON that finds this, before there are operations.
  if (!isBase64(encoded)) {
    throw new Refused(400, `Failed to parse body: illegal base64 data in the value for key ${quoted(key)}`);
  }
  if (key === '' && Verb !== 'get-tree' && Verb !== 'delete-tree') throw invalid('Must provide key');
  checkName(key, 'key name');
  const own = keys.kv(defaultNamespace, key);
  const revision = revisionOf(fields.Index);
  const put: KvPut = { kind: 'kv-put', namespace: defaultNamespace, key, value, flags };
  const name = quoted(key);
  const missing = `key ${name} doesn't exist`;
  const written = (change: KvPut, failure: (failure: TxnFailure) => string): Operation => ({
    step: { change, read: { key: own } },
    results: (rows) => kvResults(rows, false),
    failure: (told) => (told.reason === 'refused' ? refused(told) : failure(told)),
  });
  const checked = (require: Requirement, failure: (failure: TxnFailure) => string): Operation => ({
    step: { require, ...('present' in require ? {} : { read: { key: own } }) },
    results: (rows) => kvResults(rows, false),
    failure,
  });
  const held = (kind: 'acquire' | 'release', failure: (failure: TxnFailure) => string) => {
    const operation = written({ ...put, condition: { kind, session } }, failure);
    // Told with what else fails, as Consul does.
    return session === '' ? { ...operation, failure: () => 'missing session' } : operation;
  };
  switch (Verb) {
    case 'set':
      return written(put, refused);
    case 'cas':
      return written(
        { ...put, condition: { kind: 'cas', revision } },
        () => `failed to set key ${name}, index is stale`,
      );
    case 'lock':
      return held('acquire', ({ found }) =>
        found?.kind === 'kv' && found.session !== undefined
          ? `failed to lock key ${name}, lock is already held`
          : `failed to lock key ${name} due to lock delay`,
      );
    case 'unlock':
      return held(
        'release',
        () => `failed to unlock key ${name}, lock isn't held, or is held by another session`,
      );
    case 'delete':
      return removal({ change: { kind: 'kv-delete', namespace: defaultNamespace, key } }, '');
    case 'delete-cas':
      return removal(
        { change: { kind: 'kv-delete', namespace: defaultNamespace, key, cas: revision } },
        `failed to delete key ${name}, index is stale`,
      );
    case 'delete-tree':
      return removal({ change: { kind: 'kv-delete-tree', namespace: defaultNamespace, prefix: key } }, '');
    case 'get':
      return {
        step: { require: { key: own, present: true }, read: { key: own } },
        results: (rows) => kvResults(rows, true),
        failure: () => missing,
      };
    case 'get-or-empty':
      return {
        step: { read: { key: own } },
        results: (rows) => (rows.length === 0 ? [{ KV: emptyKv(key) }] : kvResults(rows, true)),
        failure: refused,
      };
    case 'get-tree':
      return { step: { read: { namespace: defaultNamespace, prefix: key } }, results: (rows) => kvResults(rows, true), failure: refused };
    case 'check-index':
      return checked({ key: own, revision: revision === 0 ? -1 : revision }, ({ found }) =>
        found === undefined
          ? `failed to check index, ${missing}`
          : `failed index check for key ${name}, ` +
            `current modify index ${found.modified} != ${fields.Index ?? 0}`,
      );
    case 'check-session':
      return checked({ key: own, session }, ({ found }) =>
        found === undefined
          ? `failed to check session, ${missing}`
          : `failed session check for key ${name}, ` +
            `current session ${quoted(sessionOf(found))} != ${quoted(session)}`,
      );
    case 'check-not-exists':
      return checked({ key: own, present: false }, () => `key ${name} exists`);
    default:
      throw invalid(`unknown KV verb ${quoted(Verb)}`);
  }
}

function sessionOf(row: Row): string {
  return row.kind === 'kv' ? (row.session ?? '') : '';
}

function kvResults(rows: readonly Row[], withValue: boolean): JsonValue[] {
  return rows.flatMap((row) => {
    if (row.kind !== 'kv') return [];
    return [{ KV: withValue ? kvJson(row) : kvJson({ ...row, value: nothing }) }];
  });
}

const nothing = new Uint8Array();

function emptyKv(key: string): JsonValue {
  return { LockIndex: 0, Key: key, Flags: 0, Value: null, CreateIndex: 0, ModifyIndex: 0 };
}

/** Go's `encoding/base64`, which takes line breaks and wants the padding. */
function isBase64(text: string): boolean {
  const bare = text.replace(/[\r\n]/g, '');
  return bare.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(bare);
}

function removal(step: TxnOperation, stale: string): Operation {
  return {
    step,
    results: () => [],
    failure: (told) => (told.reason === 'refused' ? refused(told) : stale),
  };
}

/** Verbs that nodes, services and checks have in common. */
interface Subject {
  readonly kind: 'Node' | 'Service' | 'Check';
  readonly verb: string;
  /** The row's record key. */
  readonly key: string;
  readonly revision: number;
  /** For messages: `service "web" on node "n1"`. */
  readonly name: string;
  /** How to write it. @throws RegistryError `invalid_argument` */
  readonly register: () => Register;
  readonly remove: NonNullable<TxnOperation['change']>;
  readonly json: (row: Row, shown: Shown) => JsonValue;
}

function catalogOperation(subject: Subject): Operation {
  const { kind, verb, key, revision, name, json } = subject;
  const read = (step: TxnOperation, unmet: string): Operation => ({
    step: { ...step, read: { key } },
    results: (rows, shown) => rows.map((row) => ({ [kind]: json(row, shown) })),
    failure: (told) => (told.reason === 'refused' ? missingPart(told) : unmet),
  });
  switch (verb) {
    case 'get':
      return read({ require: { key, present: true } }, `${name} doesn't exist`);
    case 'set':
      return read({ change: subject.register() }, '');
    case 'cas':
      return read(
        { require: { key, revision }, change: subject.register() },
        `failed to set ${name}, index is stale`,
      );
    case 'delete':
      return removal({ change: subject.remove }, '');
    case 'delete-cas':
      // Unlike a key, what is not there was not deleted at that index.
      return removal(
        { require: { key, revision: revision === 0 ? -1 : revision }, change: subject.remove },
        `failed to delete ${name}, index is stale`,
      );
    default:
      throw invalid(`unknown ${kind} verb ${quoted(verb)}`);
  }
}

function missingPart({ error }: TxnFailure): string {
  if (error?.code !== 'not_found') return error?.message ?? '';
  return error.message.startsWith('node ') ? 'Missing node registration' : 'Missing service registration';
}

function nodeOperation({ Verb = '', Node: fields = {} }: NonNullable<TxnOperationFields['Node']>): Operation {
  const { Node: node = '', Address: address = '', Meta: meta = {} } = fields;
  checkPeer(fields.PeerName);
  const id = vetNodeId(fields.ID ?? '');
  return catalogOperation({
    kind: 'Node',
    verb: Verb,
    key: keys.node(vetName(node, 'node name')),
    revision: revisionOf(fields.ModifyIndex),
    name: `node ${quoted(node)}`,
    register: () => {
      if (node === '') throw invalid('Must provide node');
      return {
        kind: 'register',
        namespace: defaultNamespace,
        node: {
          name: node,
          ...(id === '' ? {} : { id }),
          address: vetName(address, 'node address'),
          meta: vetMeta(meta, 'Node Meta', 'allowed'),
          ...keep({ TaggedAddresses: fields.TaggedAddresses ?? null, Locality: fields.Locality }),
        },
        nodeMode: 'update',
      };
    },
    remove: { kind: 'deregister-node', node },
    json: (row, { datacenter }) => (row.kind === 'node' ? mutable(nodeJson(row, datacenter)) : null),
  });
}

function serviceOperation(
  { Verb = '', Node: node = '', Service: fields = {} }: NonNullable<TxnOperationFields['Service']>,
): Operation {
  checkPeer(fields.PeerName);
  vetName(node, 'node name');
  const id = vetName(fields.ID || fields.Service || '', 'service ID');
  return catalogOperation({
    kind: 'Service',
    verb: Verb,
    key: keys.instance(defaultNamespace, node, id),
    revision: revisionOf(fields.ModifyIndex),
    name: `service ${quoted(id)} on node ${quoted(node)}`,
    register: () => {
      const { ModifyIndex: _index, ...content } = fields;
      return {
        kind: 'register',
        namespace: defaultNamespace,
        node: { name: node, address: '' },
        nodeMode: 'exists',
        instances: [catalogInstance(content)],
      };
    },
    remove: { kind: 'deregister-instance', namespace: defaultNamespace, node, id },
    json: (row) => (row.kind === 'instance' ? mutable(serviceJson(row)) : null),
  });
}

function checkOperation(
  { Verb = '', Check: fields = {} }: NonNullable<TxnOperationFields['Check']>,
): Operation {
  checkPeer(fields.PeerName);
  const node = vetName(fields.Node ?? '', 'node name');
  const id = vetName(fields.CheckID || fields.Name || '', 'check ID');
  return catalogOperation({
    kind: 'Check',
    verb: Verb,
    key: keys.check(defaultNamespace, node, id),
    revision: revisionOf(fields.ModifyIndex),
    name: `check ${quoted(id)} on node ${quoted(node)}`,
    register: () => {
      const { ModifyIndex: _index, ...content } = fields;
      return {
        kind: 'register',
        namespace: defaultNamespace,
        node: { name: node, address: '' },
        nodeMode: 'exists',
        checks: [catalogCheck(content, node)],
      };
    },
    remove: { kind: 'deregister-check', namespace: defaultNamespace, node, id },
    json: (row, { state }) => (row.kind === 'check' ? mutable(checkJson(row, instanceOf(state, row))) : null),
  });
}

function sessionOperation(fields: NonNullable<TxnOperationFields['Session']>): Operation {
  const { Verb = '', Session: { ID: id = '' } = {} } = fields;
  if (Verb !== 'delete') throw invalid(`unknown Session verb ${quoted(Verb)}`);
  checkName(id, 'session');
  return removal({ change: { kind: 'session-destroy', namespace: defaultNamespace, id } }, '');
}

function checkPeer(peer: string | undefined): void {
  if (peer) throw invalid('cannot register requests with PeerName in them');
}

/** Row parts are read only, which the writer of JSON does not ask for. */
function mutable(value: object): JsonValue {
  return value as JsonValue;
}
