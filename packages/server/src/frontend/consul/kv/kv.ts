/**
 * `/v1/kv/`: the key/value store. Keys are the rest of the path and may contain all characters except control
 * characters. Like Go's router, which Consul uses for keys, this file normalises `//` and `.` segments, but
 * without the redirect. `..` is refused.
 */

import { RegistryError } from '@rollcall/protocol';
import { readBody } from '../../../net/body.ts';
import type { KvDelete, KvDeleteTree, KvPut } from '../../../registry/kind/kv/commands.ts';
import { findKv } from '../../../registry/kind/kv/find.ts';
import { keyView, prefixView } from '../../../registry/kind/kv/views.ts';
import type { RowOf } from '../../../registry/kinds.ts';
import type { Reader } from '../../../registry/reader.ts';
import { commandEndpoint } from '../request/endpoint.ts';
import { permission } from '../request/permission.ts';
import { type Asked, formOf, type Query } from '../request/query.ts';
import { placed } from '../request/scope.ts';
import type { VisibilityFilter } from '../request/visibility-filter.ts';
import { invalid, quoted } from '../wire/errors.ts';
import { type JsonValue, writeJson } from '../wire/json.ts';
import { type Params, unescapePath } from '../wire/params.ts';
import type { Reply } from '../wire/reply.ts';
import { falseBody, trueBody } from '../wire/responses.ts';
import { checkName } from '../wire/vetting.ts';
import { noFurtherKeys, type FurtherKeys } from './further-keys.ts';
import { kvJson } from './kv-json.ts';

/**
 * `GET /v1/kv/:key`, with `?keys`, `?recurse` or `?raw`
 * @param further keys besides those of the store
 */
export function reads(further: FurtherKeys = noFurtherKeys): (asked: Asked) => Query {
  return (asked) => {
    const { namespace, rest, params } = asked;
    const key = keyOf(rest);
    if (params.has('keys')) return listKeys(key, asked, further);
    if (params.has('recurse')) return listRows(key, asked, further);
    if (key === '') throw missingKey();
    const raw = params.has('raw');
    const body = kvBody(params);
    const rightsName = further.rightsName(key);
    return {
      view: keyView(namespace, key),
      others: further.views(namespace, key, false),
      name: raw ? 'consul kv raw' : `${formOf(asked)} kv`,
      permission: permission('key', 'read', key),
      shows: rightsName === undefined ? [] : ['config'],
      encode: (state, visible) => {
        const row = findKv(state, namespace, key) ?? furtherRow(state, visible, namespace, key, further);
        if (row === undefined) return undefined;
        return raw ? bytesOf(row) : body([placed(asked, row, kvJson(row))]);
      },
      raw,
    };
  };
}

function furtherRow(state: Reader, visible: VisibilityFilter, namespace: string, key: string, further: FurtherKeys): RowOf<'kv'> | undefined {
  const name = further.rightsName(key);
  return name !== undefined && visible.includes('config', name) ? further.find(state, namespace, key) : undefined;
}

function bytesOf({ value: { buffer, byteOffset, byteLength } }: RowOf<'kv'>): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
}

/** The cost of finding the row of a key, besides writing it. */
const unitsPerKey = 1;

/** Keys under a prefix with their values. */
function listRows(prefix: string, asked: Asked, further: FurtherKeys): Query {
  const { namespace, params } = asked;
  return {
    view: prefixView(namespace, prefix),
    others: further.views(namespace, prefix, true),
    name: `${formOf(asked)} kv`,
    shows: further === noFurtherKeys ? ['key'] : ['key', 'config'],
    pretty: params.has('pretty'),
    *write(state, visible, out) {
      let any = false;
      out.open('[');
      for (const key of yield* further.under(state, namespace, prefix, out.pace)) {
        const row = visible.includes('key', key) ? (findKv(state, namespace, key) ?? furtherRow(state, visible, namespace, key, further)) : undefined;
        any ||= row !== undefined;
        if (row !== undefined) out.exact(placed(asked, row, kvJson(row)));
        if (out.pace.spend(unitsPerKey)) yield;
      }
      out.close();
      return any ? undefined : false;
    },
  };
}

/** Keys under a prefix; with a separator, each only up to the first one after the prefix, without duplicates. */
function listKeys(prefix: string, asked: Asked, further: FurtherKeys): Query {
  const { namespace, params } = asked;
  // The misspelling is Consul's own, from its first version.
  const separator = params.has('separator') ? params.get('separator') : params.get('seperator');
  return {
    view: prefixView(namespace, prefix),
    others: further.views(namespace, prefix, true),
    name: `${formOf(asked)} keys ${separator}`,
    shows: further === noFurtherKeys ? ['key'] : ['key', 'config'],
    pretty: params.has('pretty'),
    *write(state, visible, out) {
      let last: string | undefined;
      out.open('[');
      for (const key of yield* further.under(state, namespace, prefix, out.pace)) {
        if (out.pace.spend(unitsPerKey / 2)) yield;
        if (!visible.includes('key', key)) continue;
        const rightsName = further.rightsName(key);
        if (rightsName !== undefined && findKv(state, namespace, key) === undefined && !visible.includes('config', rightsName)) continue;
        const cut = separator === '' ? -1 : key.indexOf(separator, prefix.length);
        const listed = cut < 0 ? key : key.slice(0, cut + separator.length);
        if (listed !== last) out.value(listed);
        last = listed;
      }
      out.close();
      // At the root the answer is a list, even an empty one.
      return last === undefined && prefix !== '' ? false : undefined;
    },
  };
}

function kvBody(params: Params): (value: JsonValue) => Buffer {
  if (params.has('pretty')) return (value) => Buffer.from(`${writeJson(value, '    ', '\n')}\n`);
  return (value) => Buffer.from(writeJson(value));
}

/** `PUT /v1/kv/:key`, with `?flags` and one of `?cas`, `?acquire`, `?release` */
export const put = commandEndpoint({
  decode: async ({ exchange, namespace, rest, params, limits }): Promise<KvPut> => {
    const key = keyOf(rest);
    if (key === '') throw missingKey();
    checkConflicts(params, ['cas', 'acquire', 'release']);
    const flags = params.has('flags') ? params.uint64('flags') : 0n;
    const condition = conditionOf(params);
    const value = await readBody(exchange.request, limits.kvValueBytesMax);
    return { kind: 'kv-put', namespace, key, value, flags, ...condition };
  },
  permissions: ({ key }) => [permission('key', 'write', key)],
  command: (wanted: KvPut) => wanted,
  answer: boolBody,
});

function boolBody(done: boolean): Reply {
  return done ? trueBody : falseBody;
}

function conditionOf(params: Params): Pick<KvPut, 'condition'> {
  if (params.has('cas')) return { condition: { kind: 'cas', revision: casRevision(params) } };
  if (params.has('acquire')) return { condition: { kind: 'acquire', session: params.get('acquire') } };
  if (params.has('release')) return { condition: { kind: 'release', session: params.get('release') } };
  return {};
}

/** A number larger than any revision matches no key. */
function casRevision(params: Params): number {
  const index = params.uint64('cas');
  return index <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(index) : -1;
}

/** `DELETE /v1/kv/:key`, with `?recurse` or `?cas` */
export const remove = commandEndpoint({
  decode: ({ namespace, rest, params }): KvDelete | KvDeleteTree => {
    const key = keyOf(rest);
    checkConflicts(params, ['recurse', 'cas']);
    if (params.has('recurse')) return { kind: 'kv-delete-tree', namespace, prefix: key };
    if (key === '') throw missingKey();
    return { kind: 'kv-delete', namespace, key, ...(params.has('cas') ? { cas: casRevision(params) } : {}) };
  },
  permissions: (wanted) => [
    wanted.kind === 'kv-delete'
      ? permission('key', 'write', wanted.key)
      : { ...permission('key', 'write', wanted.prefix), tree: true },
  ],
  command: (wanted: KvDelete | KvDeleteTree) => wanted,
  answer: boolBody,
});

function missingKey(): RegistryError {
  return invalid('Missing key name');
}

function checkConflicts(params: Params, names: readonly string[]): void {
  if (names.filter((name) => params.has(name)).length < 2) return;
  throw invalid(`Conflicting flags: ${params.encode()}`);
}

function keyOf(rest: string): string {
  const key = unescapePath(rest);
  checkName(key, 'key name');
  if (!/(^|\/)\.{0,2}(\/|$)/.test(key)) return key;
  const parts = key.split('/');
  if (parts.includes('..')) {
    throw invalid(`Invalid key name ${quoted(key)}: ".." is not allowed`);
  }
  const kept = parts.filter((part) => part !== '' && part !== '.');
  const folder = key.endsWith('/') || key.endsWith('/.');
  return kept.length === 0 ? '' : kept.join('/') + (folder ? '/' : '');
}
