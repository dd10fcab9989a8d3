/** Operations of `PUT /v1/txn` on keys: each verb as one step, and its results and errors with Consul's texts. Pure. */

import type { Requirement } from '../../../registry/command.ts';
import type { KvPut } from '../../../registry/kind/kv/commands.ts';
import { kvKey } from '../../../registry/kind/kv/keys.ts';
import type { Row, TxnFailure } from '../../../registry/kinds.ts';
import { kvJson } from '../kv/kv-json.ts';
import { placed, type Scope } from '../request/scope.ts';
import { invalid, quoted, Refused } from '../wire/errors.ts';
import type { JsonValue } from '../wire/json.ts';
import { checkName } from '../wire/vetting.ts';
import { type Parts, refused, removal, revisionOf } from './operation.ts';
import type { TxnOperationFields } from './schema.ts';

export function kvOperation(
  scope: Scope,
  fields: NonNullable<TxnOperationFields['KV']>,
  valueBytesMax: number,
): Parts {
  const { namespace } = scope;
  const { Verb = '', Key: key = '', Value: encoded = '', Flags: flags = 0n, Session: session = '' } = fields;
  const value = Buffer.from(encoded, 'base64');
  if (value.length > valueBytesMax) {
    const sizes = `(${value.length} > ${valueBytesMax} bytes)`;
    throw new Refused(413, `Value for key ${quoted(key)} is too large ${sizes}`);
  }
  // In Consul the JSON decoder finds this error, so the whole transaction is refused.
  if (!isBase64(encoded)) {
    throw new Refused(400, `Failed to parse body: illegal base64 data in the value for key ${quoted(key)}`);
  }
  if (key === '' && Verb !== 'get-tree' && Verb !== 'delete-tree') throw invalid('Must provide key');
  checkName(key, 'key name');
  const own = kvKey(namespace, key);
  const revision = revisionOf(fields.Index);
  const put: KvPut = { kind: 'kv-put', namespace, key, value, flags };
  const name = quoted(key);
  const missing = `key ${name} doesn't exist`;
  const written = (change: KvPut, failure: (failure: TxnFailure) => string): Parts => ({
    step: { change, read: { key: own } },
    results: (rows) => kvResults(scope, rows, false),
    failure: (told) => (told.reason === 'refused' ? refused(told) : failure(told)),
  });
  const checked = (require: Requirement, failure: (failure: TxnFailure) => string): Parts => ({
    step: { require, ...('present' in require ? {} : { read: { key: own } }) },
    results: (rows) => kvResults(scope, rows, false),
    failure,
  });
  const held = (kind: 'acquire' | 'release', failure: (failure: TxnFailure) => string) => {
    const operation = written({ ...put, condition: { kind, session } }, failure);
    // Reported together with the other failures, as Consul does.
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
      return removal({ change: { kind: 'kv-delete', namespace, key } }, '');
    case 'delete-cas':
      return removal(
        { change: { kind: 'kv-delete', namespace, key, cas: revision } },
        `failed to delete key ${name}, index is stale`,
      );
    case 'delete-tree':
      return removal({ change: { kind: 'kv-delete-tree', namespace, prefix: key } }, '');
    case 'get':
      return {
        step: { require: { key: own, present: true }, read: { key: own } },
        results: (rows) => kvResults(scope, rows, true),
        failure: () => missing,
      };
    case 'get-or-empty':
      return {
        step: { read: { key: own } },
        results: (rows) => (rows.length === 0 ? [{ KV: emptyKv(key) }] : kvResults(scope, rows, true)),
        failure: refused,
      };
    case 'get-tree':
      return { step: { read: { kind: 'kv', namespace, prefix: key } }, results: (rows) => kvResults(scope, rows, true), failure: refused };
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

function kvResults(scope: Scope, rows: readonly Row[], withValue: boolean): JsonValue[] {
  return rows.flatMap((row) => {
    if (row.kind !== 'kv') return [];
    return [{ KV: placed(scope, row, withValue ? kvJson(row) : kvJson({ ...row, value: nothing })) }];
  });
}

const nothing = new Uint8Array();

function emptyKv(key: string): JsonValue {
  return { LockIndex: 0, Key: key, Flags: 0, Value: null, CreateIndex: 0, ModifyIndex: 0 };
}

/** Whether Go's `encoding/base64` accepts the text: it allows line breaks and requires padding. */
function isBase64(text: string): boolean {
  const bare = text.replace(/[\r\n]/g, '');
  return bare.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(bare);
}

