/**
 * How long resolvers may keep answers, as in Consul's `node_ttl` and `service_ttl`
 * (https://developer.hashicorp.com/consul/docs/reference/agent/configuration-file/dns). 0, the default, means
 * that they ask every time and see every change.
 */

import { RegistryError } from '@rollcall/protocol';
import { readDuration } from '../../security/go-duration.ts';

export interface TtlOptions {
  /** Seconds for records of nodes; 0 by default. */
  readonly node?: number;
  /**
   * Seconds for records of services, by name. A key that ends in `*` is a prefix; a full name goes before prefixes, a longer
   * prefix before a shorter one. 0 for all others.
   */
  readonly services?: Readonly<Record<string, number>>;
}

export interface Ttls {
  readonly node: number;
  /** @param service in lower case */
  ofService(service: string): number;
}

/** RFC 2181 §8. */
const ttlMax = 2_147_483_647;

/** @throws RegistryError `invalid_argument` unless each time is a whole number of seconds from 0 to 2^31 - 1 */
export function ttlsOf({ node = 0, services = {} }: TtlOptions): Ttls {
  const named = Object.entries(services).map(([name, seconds]) => [name.toLowerCase(), seconds] as const);
  for (const [name, seconds] of [['node', node] as const, ...named]) {
    if (Number.isInteger(seconds) && seconds >= 0 && seconds <= ttlMax) continue;
    const message = `the TTL of ${name} is ${seconds} s, it must be a whole number from 0 to ${ttlMax}`;
    throw new RegistryError('invalid_argument', message);
  }
  const exact = new Map(named.filter(([name]) => !name.endsWith('*')));
  const prefixes = named
    .filter(([name]) => name.endsWith('*'))
    .map(([name, seconds]) => [name.slice(0, -1), seconds] as const)
    .sort(([a], [b]) => b.length - a.length);
  return {
    node,
    ofService: (service) =>
      exact.get(service) ?? prefixes.find(([prefix]) => service.startsWith(prefix))?.[1] ?? 0,
  };
}

/** Whole seconds of a duration in Go's format; undefined for an empty one. */
export function ttlOf(duration: string): number | undefined {
  const ms = duration === '' ? undefined : readDuration(duration);
  return ms === undefined ? undefined : Math.min(Math.max(0, Math.floor(ms / 1_000)), ttlMax);
}
