/**
 * Checks the frames of a client and copies exactly the fields of the protocol. Unknown fields
 * are ignored, so that newer clients can talk to older registries; unknown types are refused.
 */

import { configNameParts, type ReaderFacts } from './config/layer.ts';
import type { Checked, RequestFrame, SeenRevision } from './frame.ts';
import { frameLimits as limits } from './frame-limits.ts';
import { lockPurposes } from './frame-lock.ts';
import { pickReport } from './frame-picks.ts';
import { isItemView, type FrameView, type ItemView, type WatchedView } from './frame-view.ts';
import { defaultNamespace, isNamespaceName, namespaceLengthMax } from './namespace.ts';
import { checkSharing, grant, lockId, lockName, lockTtl, txnWrite } from './lock-request.ts';
import { instance, instanceId, serviceName } from './registration-request.ts';
import {
  Malformed,
  attempt,
  boolean,
  compact,
  field,
  fields,
  integer,
  list,
  matching,
  name,
  oneOf,
  optional,
  string,
  type Fields,
} from './shape.ts';
import type { SessionKey } from './session-key.ts';
import { base64, flags, key, prefix, revision } from './value-checks.ts';

const types = [
  'hello',
  'register',
  'deregister',
  'drain',
  'beat',
  'watch',
  'unwatch',
  'get',
  'kv-put',
  'kv-delete',
  'lease',
  'lock-session',
  'lock-renew',
  'lock-end',
  'lock-acquire',
  'lock-release',
  'lock-transfer',
  'lock-queue',
  'txn',
  'config-report',
  'pick-report',
  'goodbye',
] as const satisfies readonly RequestFrame['type'][];

/** @param value the result of JSON.parse for one message */
export function checkRequest(value: unknown): Checked<RequestFrame> {
  const head = attempt(() => {
    const frame = fields(value, 'the frame');
    return { frame, id: integer(field(frame, 'id'), 'id', 1, Number.MAX_SAFE_INTEGER) };
  });
  if (!head.ok) return head;
  const { frame, id } = head.value;
  const body = attempt(() => request(frame, id));
  return body.ok ? { ok: true, frame: body.value } : { ok: false, id, message: body.message };
}

/** Why a client writes, for people. */
function reason(value: unknown): string {
  return string(value, 'reason', limits.reasonMax);
}

function request(frame: Fields, id: number): RequestFrame {
  const type = oneOf(field(frame, 'type'), 'type', types);
  const get = (key: string) => field(frame, key);
  switch (type) {
    case 'hello':
      return compact<RequestFrame>({
        type,
        id,
        protocol: integer(get('protocol'), 'protocol', 1, 1_000),
        client: name(get('client'), 'client', limits.nameMax),
        version: optional(get('version'), (version) => name(version, 'version', limits.nameMax)),
        node: optional(get('node'), (node) => name(node, 'node', limits.nameMax)),
        session: optional(get('session'), sessionKey),
        graceMs: optional(get('graceMs'), (grace) => integer(grace, 'graceMs', 1_000, 300_000)),
        namespace: optional(get('namespace'), (given) => namespace(given, 'namespace')),
        seen: optional(get('seen'), seen),
      });
    case 'register':
      return { type, id, instances: list(get('instances'), 'instances', limits.listMax, instance) };
    case 'deregister':
    case 'drain':
      return { type, id, instances: list(get('instances'), 'instances', limits.listMax, instanceId) };
    case 'beat':
      return {
        type,
        id,
        instance: instanceId(get('instance'), 'instance'),
        check: name(get('check'), 'check', limits.nameMax),
        status: oneOf(get('status'), 'status', ['passing', 'warning', 'critical']),
        output: optional(get('output'), (output) => string(output, 'output', limits.textMax)) ?? '',
      };
    case 'watch':
      return { type, id, views: list(get('views'), 'views', limits.listMax, watchedView) };
    case 'unwatch':
      return { type, id, views: list(get('views'), 'views', limits.listMax, view) };
    case 'get':
      return { type, id, view: itemView(get('view'), 'view') };
    case 'kv-put':
      return compact<RequestFrame>({
        type,
        id,
        namespace: optional(get('namespace'), (given) => namespace(given, 'namespace')),
        key: key(get('key'), 'key'),
        value: base64(get('value'), 'value'),
        flags: optional(get('flags'), flags),
        cas: optional(get('cas'), (cas) => revision(cas, 'cas')),
        reason: optional(get('reason'), reason),
      });
    case 'kv-delete': {
      const cas = optional(get('cas'), (value) => revision(value, 'cas'));
      const recurse = optional(get('recurse'), (value) => boolean(value, 'recurse'));
      if (recurse === true && cas !== undefined) throw new Malformed('cas and recurse exclude each other');
      const named = recurse === true ? prefix(get('key'), 'key') : key(get('key'), 'key');
      const place = optional(get('namespace'), (given) => namespace(given, 'namespace'));
      return compact<RequestFrame>({ type, id, namespace: place, key: named, cas, recurse, reason: optional(get('reason'), reason) });
    }
    case 'lease':
      return compact<RequestFrame>({ type, id, pool: serviceName(get('pool'), 'pool'), namespace: otherNamespace(get('namespace'), 'namespace') });
    case 'lock-session':
      return compact<RequestFrame>({
        type,
        id,
        session: sessionKey(get('session')),
        ttlMs: lockTtl(get('ttlMs'), 'ttlMs'),
        bound: optional(get('bound'), (bound) => boolean(bound, 'bound')),
        name: lockName(get('name'), 'name'),
      });
    case 'lock-renew':
      return { type, id, session: lockId(get('session'), 'session'), grants: list(get('grants'), 'grants', limits.listMax, grant) };
    case 'lock-end':
      return { type, id, session: lockId(get('session'), 'session') };
    case 'lock-acquire': {
      const limit = optional(get('limit'), (given) => integer(given, 'limit', 1, limits.lockHoldersMax));
      const shared = optional(get('shared'), (given) => boolean(given, 'shared'));
      checkSharing(limit, shared);
      return compact<RequestFrame>({
        ...{ type, id, ...contender(frame), limit, shared },
        value: optional(get('value'), (value) => string(value, 'value', limits.lockValueMax)),
        purpose: optional(get('purpose'), (purpose) => oneOf(purpose, 'purpose', lockPurposes)),
        waitMs: optional(get('waitMs'), (waitMs) => integer(waitMs, 'waitMs', 0, 2_147_483_647)),
      });
    }
    case 'lock-release':
      return { type, id, ...contender(frame) };
    case 'lock-transfer':
      return { type, id, ...contender(frame), to: lockId(get('to'), 'to') };
    case 'lock-queue':
      return { type, id, name: lockName(get('name'), 'name') };
    case 'txn':
      return compact<RequestFrame>({
        type,
        id,
        namespace: optional(get('namespace'), (given) => namespace(given, 'namespace')),
        grants: list(get('grants'), 'grants', limits.txnMax, grant),
        operations: list(get('operations'), 'operations', limits.txnMax, txnWrite),
        reason: optional(get('reason'), reason),
      });
    case 'config-report': {
      const { namespace: place, name: named, cluster } = view({ ...frame, kind: 'config' }, 'the report');
      return compact<RequestFrame>({
        ...{ type, id, namespace: place, name: named, cluster },
        release: integer(get('release'), 'release', 0, Number.MAX_SAFE_INTEGER),
        applied: boolean(get('applied'), 'applied'),
        error: optional(get('error'), (error) => string(error, 'error', limits.reportedErrorMax)),
      });
    }
    case 'pick-report':
      return pickReport(frame, id, otherNamespace);
    case 'goodbye':
      return { type, id };
  }
}

function contender(frame: Fields): { readonly session: string; readonly name: string; readonly contender: string } {
  return {
    session: lockId(field(frame, 'session'), 'session'),
    name: lockName(field(frame, 'name'), 'name'),
    contender: lockId(field(frame, 'contender'), 'contender'),
  };
}

function seen(value: unknown): SeenRevision {
  const given = fields(value, 'seen');
  return {
    registry: name(field(given, 'registry'), 'seen.registry', limits.nameMax),
    revision: revision(field(given, 'revision'), 'seen.revision'),
  };
}

function sessionKey(value: unknown): SessionKey {
  const session = fields(value, 'session');
  const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
  return {
    id: matching(field(session, 'id'), 'session.id', 36, uuid, 'a UUID in lower case'),
    token: matching(
      field(session, 'token'),
      'session.token',
      128,
      /^[A-Za-z0-9_-]{32,}$/,
      '32 to 128 letters, digits, dashes and underscores',
    ),
  };
}

function watchedView(value: unknown, what: string): WatchedView {
  const of = fields(value, what);
  const watched = view(value, what);
  return compact<WatchedView>({
    ...watched,
    revision: optional(field(of, 'revision'), (given) => revision(given, `${what}.revision`)),
    ...(watched.kind === 'config' && {
      releases: optional(field(of, 'releases'), (given) => string(given, `${what}.releases`, limits.releasesMax)),
      reader: optional(field(of, 'reader'), (given) => reader(given, `${what}.reader`)),
    }),
  });
}

function reader(value: unknown, what: string): ReaderFacts {
  const of = fields(value, what);
  const fact = (key: string) => optional(field(of, key), (given) => name(given, `${what}.${key}`, limits.nameMax * 2));
  return compact<ReaderFacts>({ app: fact('app'), instance: fact('instance'), labels: optional(field(of, 'labels'), (given) => labels(given, `${what}.labels`)), datacentre: fact('datacentre') });
}

function labels(value: unknown, what: string): Record<string, string> {
  const entries = Object.entries(fields(value, what));
  if (entries.length > limits.metaMax) throw new Malformed(`${what} has ${entries.length} entries, the limit is ${limits.metaMax}`);
  return Object.fromEntries(entries.map(([key, text]) => [string(key, `a key of ${what}`, limits.metaKeyMax), string(text, `${what}.${key}`, limits.metaValueMax)]));
}

/** Also used for frames of the registry: a push names its view in the same form. */
export function view(value: unknown, what: string): FrameView {
  const of = fields(value, what);
  const kind = oneOf(field(of, 'kind'), `${what}.kind`, ['service', 'services', 'route', 'key', 'prefix', 'lock', 'config']);
  return compact<FrameView>({
    kind,
    namespace: otherNamespace(field(of, 'namespace'), `${what}.namespace`),
    name: viewName(kind, field(of, 'name'), `${what}.name`),
    ...(kind === 'config' && { cluster: clusterOf(field(of, 'cluster'), `${what}.cluster`) }),
  });
}

/** Absent for the cluster that everything is in, so that equal views have equal fields. */
function clusterOf(value: unknown, what: string): string | undefined {
  const given = optional(value, (text) => name(text, what, limits.nameMax));
  return given === 'default' ? undefined : given;
}

function itemView(value: unknown, what: string): ItemView {
  const given = view(value, what);
  if (isItemView(given)) return given;
  throw new Malformed(`${what} is a configuration, which is watched or read over HTTP`);
}

function viewName(kind: FrameView['kind'], value: unknown, what: string): string {
  switch (kind) {
    case 'service':
    case 'route':
      return name(value, what, limits.nameMax);
    case 'services':
      return '';
    case 'key':
      return key(value, what);
    case 'prefix':
      return prefix(value, what);
    case 'lock':
      return lockName(value, what);
    case 'config':
      return configName(value, what);
  }
}

function configName(value: unknown, what: string): string {
  const text = name(value, what, limits.nameMax * 2);
  if (configNameParts(text) === undefined) throw new Malformed(`${what} is ${JSON.stringify(text)}, it must be APP/NAME`);
  return text;
}

/** The namespace, absent for `default`, so that equal views have equal fields. */
function otherNamespace(value: unknown, what: string): string | undefined {
  const given = optional(value, (text) => namespace(text, what));
  return given === defaultNamespace ? undefined : given;
}

/** Also used for frames of the registry. */
export function namespace(value: unknown, what: string): string {
  const text = string(value, what, namespaceLengthMax);
  if (!isNamespaceName(text)) throw new Malformed(`${what} ${JSON.stringify(text)} is not valid: use letters, digits and inner hyphens`);
  return text;
}

