/**
 * Checks the instances and checks of a client's `register` frame, and copies the fields of the protocol.
 * `frame-request.ts` checks the other frames.
 */

import { frameLimits as limits } from './frame-limits.ts';
import { administrativeStatuses, type NamedPort } from './instance.ts';
import type { CheckRegistration, InstanceRegistration } from './registration.ts';
import { Malformed, boolean, compact, field, fields, integer, list, matching, name, number, oneOf, optional, string, texts } from './shape.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

export function instance(value: unknown, what: string): InstanceRegistration {
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
    scheme: optional(get('scheme'), (scheme) => schemeName(scheme, `${what}.scheme`)),
    ports: optional(get('ports'), (ports) => namedPorts(ports, `${what}.ports`)),
    zone: optional(get('zone'), (zone) => name(zone, `${what}.zone`, limits.nameMax)),
    region: optional(get('region'), (region) => name(region, `${what}.region`, limits.nameMax)),
    cluster: optional(get('cluster'), (cluster) => name(cluster, `${what}.cluster`, limits.nameMax)),
    weight: optional(get('weight'), (weight) => number(weight, `${what}.weight`, 0, 65_535)),
    warningWeight: optional(get('warningWeight'), (weight) => number(weight, `${what}.warningWeight`, 0, 65_535)),
    status: optional(get('status'), (status) => oneOf(status, `${what}.status`, administrativeStatuses)),
    enabled: optional(get('enabled'), (enabled) => boolean(enabled, `${what}.enabled`)),
    persistent: optional(get('persistent'), (persistent) => boolean(persistent, `${what}.persistent`)),
    checks: optional(get('checks'), (checks) => checkList(checks, `${what}.checks`)),
  });
}

function namedPorts(value: unknown, what: string): Record<string, NamedPort> {
  const entries = Object.entries(fields(value, what));
  if (entries.length > limits.portsMax) {
    throw new Malformed(`${what} has ${entries.length} entries, the limit is ${limits.portsMax}`);
  }
  const copy: Record<string, NamedPort> = {};
  for (const [key, given] of entries) {
    const named = matching(key, `a key of ${what}`, 63, /^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'letters, digits and . _ -');
    const of = fields(given, `${what}.${named}`);
    copy[named] = compact<NamedPort>({
      port: integer(field(of, 'port'), `${what}.${named}.port`, 1, 65_535),
      scheme: optional(field(of, 'scheme'), (scheme) => schemeName(scheme, `${what}.${named}.scheme`)),
    });
  }
  return copy;
}

/** RFC 3986 §3.1, in lower case. */
function schemeName(value: unknown, what: string): string {
  return matching(value, what, 63, /^[a-z][a-z0-9+.-]*$/, 'a URL scheme in lower case');
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
    mcp: text('mcp'),
    tlsServerName: text('tlsServerName', limits.nameMax),
    tlsSkipVerify: flag('tlsSkipVerify'),
    successBeforePassing: within('successBeforePassing', 0, 1_000),
    failuresBeforeWarning: within('failuresBeforeWarning', 0, 1_000),
    failuresBeforeCritical: within('failuresBeforeCritical', 0, 1_000),
    deregisterCriticalAfterMs: within('deregisterCriticalAfterMs', 1_000, 365 * dayMs),
  });
  const { ttlMs, http, tcp, grpc, mcp } = definition;
  const kinds = [ttlMs, http, tcp, grpc, mcp].filter((kind) => kind !== undefined).length;
  if (kinds !== 1) throw new Malformed(`${what} has ${kinds} of ttlMs, http, tcp, grpc and mcp, it must have exactly one`);
  if (http !== undefined && !/^https?:\/\/[^/]/i.test(http)) throw new Malformed(`${what}.http is not an http URL`);
  if (mcp !== undefined && !/^https?:\/\/[^/]/i.test(mcp)) throw new Malformed(`${what}.mcp is not an http URL`);
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

export function serviceName(value: unknown, what: string): string {
  const wanted = 'letters, digits and . _ : @ -, a letter or digit first';
  return matching(value, what, limits.nameMax, /^[A-Za-z0-9][A-Za-z0-9._:@-]*$/, wanted);
}

export function instanceId(value: unknown, what: string): string {
  return name(value, what, limits.nameMax);
}
