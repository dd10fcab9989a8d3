/** Parses the values of settings from text or JSON; an error names the fault. */

import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { nearest } from '@rollcall/protocol';

/** Permissions of the file of a Unix socket, as Consul's `unix_sockets`. */
export interface SocketFile {
  /** Permission bits. */
  readonly mode: number;
  /** Ids; those of the user who runs the server when not given. */
  readonly user?: number;
  readonly group?: number;
}

export function text(value: unknown): string {
  if (typeof value !== 'string') throw new Error(`${JSON.stringify(value)} is not text`);
  return value;
}

export function filled(value: string): string {
  if (value === '') throw new Error('it is empty');
  return value;
}

export function flag(value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  if (value === 'true' || value === '1') return true;
  if (value === 'false' || value === '0' || value === '') return false;
  throw new Error(`${JSON.stringify(value)} is neither true nor false`);
}

/** A path, or undefined when none is given. */
export function file(value: unknown, folder: string): string | undefined {
  return value === undefined ? undefined : resolve(folder, filled(text(value)));
}

/** The form that the server accepts from clients (`net/agent-node.ts`). */
export function nodeName(value: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,252}$/.test(value)) return value;
  throw new Error(
    `${JSON.stringify(value)} is not a node name; use letters, digits, dots, dashes and underscores, at most 253`,
  );
}

/** Consul's rule, since the name becomes a label of DNS names. */
export function datacenter(value: string): string {
  if (/^[a-z0-9][a-z0-9_-]{0,62}$/.test(value)) return value;
  throw new Error(
    `${JSON.stringify(value)} is not a datacenter; use lower-case letters, digits, dashes and underscores, at most 63`,
  );
}

export function oneOf<T extends string>(allowed: readonly T[], value: string): T {
  const found = allowed.find((each) => each === value);
  if (found === undefined) throw new Error(`${JSON.stringify(value)} is not one of ${allowed.join(', ')}`);
  return found;
}

export function entries(value: unknown): [string, unknown][] {
  if (value === undefined) return [];
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return Object.entries(value);
  throw new Error(`${JSON.stringify(value)} is not an object`);
}

export function list(value: unknown): unknown[] {
  if (value === undefined) return [];
  if (Array.isArray(value)) return value;
  throw new Error(`${JSON.stringify(value)} is not a list`);
}

/** RFC 1123 §2.1; other content of a `Host` header needs no permission. */
export function hostName(value: unknown): string {
  const name = text(value);
  if (/^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,252})$/.test(name)) return name;
  throw new Error(`${JSON.stringify(name)} is not a host name; write it without a scheme and a port`);
}

/** An origin as browsers write it (RFC 6454 §6.1): after the host only a port, if it is not the scheme's default. */
export function origin(value: unknown): string {
  const written = text(value);
  const url = URL.canParse(written) ? new URL(written) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.origin === written.toLowerCase()) return url.origin;
  throw new Error(`${JSON.stringify(written)} is not an origin; write it as browsers do: https://console.example`);
}

/** The URL of another Eureka server. Messages leave out its password. */
export function peerUrl(value: unknown): string {
  const written = text(value);
  const url = URL.canParse(written) ? new URL(written) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol)) return written;
  throw new Error(`${JSON.stringify(written.replace(/\/\/[^/@]*@/, '//***@'))} is not the URL of a Eureka server, such as http://eureka-1:8761/eureka`);
}

export function socketFile(value: unknown): SocketFile {
  const known = ['mode', 'user', 'group'];
  const given = Object.fromEntries(entries(value));
  for (const name of Object.keys(given)) if (!known.includes(name)) throw new Error(unknownName('key', name, known));
  const mode = text(given['mode'] ?? '600');
  if (!/^0?[0-7]{3}$/.test(mode)) throw new Error(`mode ${JSON.stringify(mode)} is not three octal digits, such as "660"`);
  const id = (name: string): { [key: string]: number } => {
    if (given[name] === undefined || given[name] === '') return {};
    const number = Number(given[name]);
    if (Number.isSafeInteger(number) && number >= 0) return { [name]: number };
    throw new Error(`${name} ${JSON.stringify(given[name])} is not an id; names are not looked up`);
  };
  return { mode: Number.parseInt(mode, 8), ...id('user'), ...id('group') };
}

export function agentName([address, name]: [string, unknown]): [string, string] {
  if (isIP(address) === 0) throw new Error(`${JSON.stringify(address)} is not an IP address`);
  return [address, nodeName(text(name))];
}

/** The server knows the names of limits: see `resolve.ts`. */
export function limit([name, value]: [string, unknown]): [string, number] {
  if (Number.isSafeInteger(value) && (value as number) > 0) return [name, value as number];
  throw new Error(`${name} is ${JSON.stringify(value)}, but must be a whole number above 0`);
}

/** `unknown limit "parkedmax"; did you mean "parkedMax"?` */
export function unknownName(what: string, name: string, known: readonly string[]): string {
  const meant = nearest(name, known);
  const hint = meant === undefined ? `known are ${known.join(', ')}` : `did you mean ${JSON.stringify(meant)}?`;
  return `unknown ${what} ${JSON.stringify(name)}; ${hint}`;
}

/** Most workers of a server: more than any machine can use. */
const workersMax = 64;

export function workerCount(value: unknown): number {
  const count = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
  if (typeof count === 'number' && Number.isInteger(count) && count >= 0 && count <= workersMax) return count;
  throw new Error(`${JSON.stringify(value)} is no number of workers; write an integer from 0 to ${workersMax}`);
}

const byteUnits: Readonly<Record<string, number>> = { '': 1, KiB: 1_024, MiB: 1_048_576, GiB: 1_073_741_824 };

/** `67108864`, `64MiB` */
export function byteSize(value: unknown): number {
  const [, digits, unit = ''] = /^(\d{1,15})(KiB|MiB|GiB)?$/.exec(String(value)) ?? [];
  const bytes = Number(digits) * (byteUnits[unit] ?? Number.NaN);
  if (Number.isSafeInteger(bytes)) return bytes;
  throw new Error(`${JSON.stringify(value)} is no number of bytes; write 67108864 or 64MiB`);
}
