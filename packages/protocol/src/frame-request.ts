/**
 * Checks what a client sent and copies exactly the fields that the protocol knows. Unknown fields
 * are ignored, so that newer clients can talk to older registries; unknown types are refused.
 */

import type {
  CheckRegistration,
  Checked,
  FrameView,
  InstanceRegistration,
  RequestFrame,
  SessionKey,
  WatchedView,
} from './frame.ts';
import { frameLimits as limits } from './frame.ts';
import { defaultNamespace, isNamespaceName, namespaceLengthMax } from './namespace.ts';
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
  texts,
  type Fields,
} from './shape.ts';

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
  'goodbye',
] as const satisfies readonly RequestFrame['type'][];

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const u64Max = 18_446_744_073_709_551_615n;

/** @param value what JSON.parse gave for one message */
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
        node: optional(get('node'), (node) => name(node, 'node', limits.nameMax)),
        session: optional(get('session'), sessionKey),
        graceMs: optional(get('graceMs'), (grace) => integer(grace, 'graceMs', 1_000, 300_000)),
        namespace: optional(get('namespace'), (given) => namespace(given, 'namespace')),
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
      return { type, id, view: view(get('view'), 'view') };
    case 'kv-put':
      return compact<RequestFrame>({
        type,
        id,
        key: key(get('key'), 'key'),
        value: base64(get('value'), 'value'),
        flags: optional(get('flags'), flags),
        cas: optional(get('cas'), (cas) => revision(cas, 'cas')),
      });
    case 'kv-delete': {
      const cas = optional(get('cas'), (value) => revision(value, 'cas'));
      const recurse = optional(get('recurse'), (value) => boolean(value, 'recurse'));
      if (recurse === true && cas !== undefined) throw new Malformed('cas and recurse exclude each other');
      const named = recurse === true ? prefix(get('key'), 'key') : key(get('key'), 'key');
      return compact<RequestFrame>({ type, id, key: named, cas, recurse });
    }
    case 'lease':
      return compact<RequestFrame>({ type, id, pool: serviceName(get('pool'), 'pool'), namespace: otherNamespace(get('namespace'), 'namespace') });
    case 'goodbye':
      return { type, id };
  }
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

function instance(value: unknown, what: string): InstanceRegistration {
  const of = fields(value, what);
  const get = (key: string) => field(of, key);
  return compact<InstanceRegistration>({
    id: instanceId(get('id'), `${what}.id`),
    service: serviceName(get('service'), `${what}.service`),
    address: optional(get('address'), (address) =>
      matching(address, `${what}.address`, limits.nameMax, /^[A-Za-z0-9._:%-]+$/, 'a host name or an IP address'),
    ),
    port: optional(get('port'), (port) => integer(port, `${what}.port`, 0, 65_535)),
    tags: optional(get('tags'), (tags) =>
      list(tags, `${what}.tags`, limits.tagsMax, (tag, which) => name(tag, which, limits.tagMax)),
    ),
    meta: optional(get('meta'), (meta) =>
      texts(meta, `${what}.meta`, { entries: limits.metaMax, key: limits.metaKeyMax, value: limits.metaValueMax }),
    ),
    weights: optional(get('weights'), (weights) => {
      const pair = fields(weights, `${what}.weights`);
      return {
        passing: integer(field(pair, 'passing'), `${what}.weights.passing`, 0, 65_535),
        warning: integer(field(pair, 'warning'), `${what}.weights.warning`, 0, 65_535),
      };
    }),
    checks: optional(get('checks'), (checks) => checkList(checks, `${what}.checks`)),
    draining: optional(get('draining'), (draining) => boolean(draining, `${what}.draining`)),
  });
}

function checkList(value: unknown, what: string): CheckRegistration[] {
  const checks = list(value, what, limits.checksMax, check);
  const names = new Set(checks.map((one) => one.name));
  if (names.size < checks.length) throw new Malformed(`two of ${what} have the same name`);
  return checks;
}

function check(value: unknown, what: string): CheckRegistration {
  const of = fields(value, what);
  const text = (key: string, max: number = limits.textMax) =>
    optional(field(of, key), (given) => string(given, `${what}.${key}`, max));
  const flag = (key: string) => optional(field(of, key), (given) => boolean(given, `${what}.${key}`));
  const within = (key: string, min: number, max: number) =>
    optional(field(of, key), (given) => integer(given, `${what}.${key}`, min, max));
  const definition = compact<CheckRegistration>({
    name: name(field(of, 'name'), `${what}.name`, limits.nameMax),
    notes: text('notes'),
    ttlMs: within('ttlMs', 1, dayMs),
    intervalMs: within('intervalMs', 1_000, dayMs),
    timeoutMs: within('timeoutMs', 1, hourMs),
    http: text('http'),
    method: optional(field(of, 'method'), (method) =>
      matching(method, `${what}.method`, 20, /^[A-Z]+$/, 'an HTTP method in capitals'),
    ),
    header: optional(field(of, 'header'), (header) => headers(header, `${what}.header`)),
    body: text('body'),
    tcp: text('tcp', limits.nameMax + 6),
    grpc: text('grpc', 2 * limits.nameMax),
    grpcUseTls: flag('grpcUseTls'),
    tlsServerName: text('tlsServerName', limits.nameMax),
    tlsSkipVerify: flag('tlsSkipVerify'),
    successBeforePassing: within('successBeforePassing', 0, 1_000),
    failuresBeforeWarning: within('failuresBeforeWarning', 0, 1_000),
    failuresBeforeCritical: within('failuresBeforeCritical', 0, 1_000),
    deregisterCriticalAfterMs: within('deregisterCriticalAfterMs', 1_000, 365 * dayMs),
  });
  const { ttlMs, http, tcp, grpc } = definition;
  const kinds = [ttlMs, http, tcp, grpc].filter((kind) => kind !== undefined).length;
  if (kinds !== 1) throw new Malformed(`${what} has ${kinds} of ttlMs, http, tcp and grpc, it must have exactly one`);
  if (http !== undefined && !/^https?:\/\/[^/]/i.test(http)) throw new Malformed(`${what}.http is not an http URL`);
  if (tcp !== undefined && !/.:\d{1,5}$/.test(tcp)) throw new Malformed(`${what}.tcp is not host:port`);
  if (grpc !== undefined && !/.:\d{1,5}(\/.*)?$/.test(grpc)) {
    throw new Malformed(`${what}.grpc is not host:port or host:port/service`);
  }
  return definition;
}

function headers(value: unknown, what: string): Record<string, string[]> {
  const entries = Object.entries(fields(value, what));
  if (entries.length > limits.metaMax) throw new Malformed(`${what} has too many entries, the limit is ${limits.metaMax}`);
  const copy: Record<string, string[]> = {};
  for (const [header, values] of entries) {
    if (!/^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(header)) throw new Malformed(`${what} has a key that is no header name: use letters, digits, _ and -`);
    copy[header] = list(values, `${what}.${header}`, 16, (text, which) =>
      matching(text, which, limits.textMax, /^[\t\x20-\x7e]*$/, 'printable ASCII'),
    );
  }
  return copy;
}

function serviceName(value: unknown, what: string): string {
  const wanted = 'letters, digits and . _ : @ -, a letter or digit first';
  return matching(value, what, limits.nameMax, /^[A-Za-z0-9][A-Za-z0-9._:@-]*$/, wanted);
}

function instanceId(value: unknown, what: string): string {
  return name(value, what, limits.nameMax);
}

function watchedView(value: unknown, what: string): WatchedView {
  const from = optional(field(fields(value, what), 'revision'), (given) => revision(given, `${what}.revision`));
  return compact<WatchedView>({ ...view(value, what), revision: from });
}

/** Also used on the other side of the wire: a push names its view in the same words. */
export function view(value: unknown, what: string): FrameView {
  const of = fields(value, what);
  const kind = oneOf(field(of, 'kind'), `${what}.kind`, ['service', 'services', 'key', 'prefix']);
  return compact<FrameView>({ kind, namespace: otherNamespace(field(of, 'namespace'), `${what}.namespace`), name: viewName(kind, field(of, 'name'), `${what}.name`) });
}

function viewName(kind: FrameView['kind'], value: unknown, what: string): string {
  switch (kind) {
    case 'service':
      return name(value, what, limits.nameMax);
    case 'services':
      return '';
    case 'key':
      return key(value, what);
    case 'prefix':
      return prefix(value, what);
  }
}

/** A namespace other than `default`, which is what its absence means: so equal views have equal fields. */
function otherNamespace(value: unknown, what: string): string | undefined {
  const given = optional(value, (text) => namespace(text, what));
  return given === defaultNamespace ? undefined : given;
}

/** Also used on the other side of the wire. */
export function namespace(value: unknown, what: string): string {
  const text = string(value, what, namespaceLengthMax);
  if (!isNamespaceName(text)) throw new Malformed(`${what} ${JSON.stringify(text)} is not valid: use letters, digits and inner hyphens`);
  return text;
}

function key(value: unknown, what: string): string {
  const text = prefix(value, what);
  if (text === '') throw new Malformed(`${what} is empty`);
  return text;
}

function prefix(value: unknown, what: string): string {
  const text = string(value, what, limits.keyMax);
  if (text.includes('\0')) throw new Malformed(`${what} has a NUL character`);
  return text;
}

export function revision(value: unknown, what: string): number {
  return integer(value, what, 0, Number.MAX_SAFE_INTEGER);
}

function base64(value: unknown, what: string): string {
  // The frame itself has a limit, so this needs none of its own.
  const text = string(value, what, Number.MAX_SAFE_INTEGER);
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) {
    throw new Malformed(`${what} is not base64 with padding`);
  }
  return text;
}

function flags(value: unknown): string {
  const text = matching(value, 'flags', 20, /^(0|[1-9]\d*)$/, 'decimal digits in a string');
  if (BigInt(text) > u64Max) throw new Malformed(`flags is ${text}, the limit is ${u64Max}`);
  return text;
}
