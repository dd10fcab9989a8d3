/** Options of a member of a group, with their checks, and what it tells the program. */

import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { RegistryError, type GossipOptions } from '@rollcall/protocol';
import { defaultPort, parseSeed, type Seed } from './bootstrap/seeds.ts';
import { lanTiming, type Timing } from './membership/timing.ts';
import type { Address, MemberRecord, MemberState } from './messages.ts';
import { nameBytesMax } from './wire/bytes.ts';

export interface GroupOptions extends GossipOptions {
  readonly onEvent?: (event: GroupEvent) => void;
}

export type GroupEvent =
  /** `was` is undefined for a member that was not known before. */
  | { readonly kind: 'member'; readonly member: MemberRecord; readonly was: MemberState | undefined }
  | { readonly kind: 'warning'; readonly message: string };

export interface CheckedOptions {
  readonly name: string;
  readonly group: string;
  readonly host: string;
  readonly ports: readonly number[];
  readonly advertise: Partial<Address>;
  readonly seeds: readonly Seed[];
  readonly keys: readonly string[] | undefined;
  readonly timing: Timing;
  readonly mdns: boolean;
}

/** Shorter times would only keep the processes busy. */
const leastTiming: Partial<Timing> = { probeIntervalMs: 50, probeTimeoutMs: 10, gossipIntervalMs: 10, syncIntervalMs: 100, reconnectIntervalMs: 100, suspicionFactor: 1, suspicionMaxFactor: 1 };

/**
 * @param defaultName used without a name
 * @throws RegistryError `invalid_argument`
 */
export function checkOptions(options: GroupOptions, defaultName: string): CheckedOptions {
  const { name = defaultName, group = 'default', port, advertise = {}, seeds = ['127.0.0.1'], mdns = false, unencrypted = false } = options;
  const keys = options.keys ?? (options.key === undefined ? undefined : [options.key]);
  const host = options.host ?? (keys !== undefined || unencrypted ? '0.0.0.0' : '127.0.0.1');
  requireOption(isText(name), `name is ${JSON.stringify(name)}; it must have 1 to ${nameBytesMax} bytes and no control characters`);
  requireOption(isText(group), `group is ${JSON.stringify(group)}; it must have 1 to ${nameBytesMax} bytes and no control characters`);
  requireOption(isIP(host) !== 0, `host is ${JSON.stringify(host)}; it must be an IP address of this machine`);
  requireOption(port === undefined || (Number.isInteger(port) && port >= 0 && port <= 65_535), `port is ${port}; it must be from 0 to 65535`);
  requireOption(options.key === undefined || options.keys === undefined, 'key and keys exclude each other');
  requireOption(keys === undefined || !unencrypted, 'unencrypted excludes key and keys');
  requireOption(
    keys !== undefined || unencrypted || isLoopback(host),
    `host is ${host}, which other machines reach: give a key (openssl rand -base64 32), or unencrypted: true if every program in the network may join`,
  );
  for (const [option, value] of Object.entries(options.timing ?? {})) {
    const least = leastTiming[option as keyof Timing] ?? 0;
    requireOption(Number.isFinite(value) && value >= least, `timing.${option} is ${value}; it must be ${least} or more`);
  }
  return {
    ...{ name, group, host, advertise, keys, mdns, timing: { ...lanTiming, ...options.timing } },
    ports: port === undefined ? [defaultPort, 0] : [port],
    seeds: seeds.map(parseSeed),
  };
}

function isLoopback(host: string): boolean {
  return host.startsWith('127.') || host === '::1';
}

/** The address that others can use: of a wildcard, the first one of this machine that is not its loopback. */
export function advertised({ host, port }: Address): Address {
  if (host !== '0.0.0.0' && host !== '::') return { host, port };
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  const outside = addresses.find(({ family, internal }) => family === 'IPv4' && !internal) ?? addresses.find(({ internal }) => !internal);
  return { host: outside?.address ?? '127.0.0.1', port };
}

function isText(text: string): boolean {
  // Control characters separate parts of keys.
  return text !== '' && Buffer.byteLength(text) <= nameBytesMax && !/\p{Cc}/u.test(text);
}

function requireOption(holds: boolean, message: string): void {
  if (!holds) throw new RegistryError('invalid_argument', message);
}
