/** Parses listen addresses: `HOST:PORT`, or `unix:///run/rollcall.sock`. */

import { isIP } from 'node:net';

export interface Address {
  /** A name or an address, without brackets. */
  readonly host: string;
  /** 0 to 65535; 0 selects a free one. */
  readonly port: number;
}

/** A Unix socket. */
export interface SocketPath {
  /** Absolute. */
  readonly path: string;
}

/** Longest path on every system: `sun_path` has 104 bytes on BSD and macOS, with the zero at the end. */
const socketPathBytesMax = 103;

/** @throws Error whose message completes `<where>: ` */
export function parseAddress(text: string): Address {
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (match === null || host === undefined) {
    const hint = isIP(text) === 6 || /:.*:/.test(text) ? 'write IPv6 as [::1]:8500' : 'write HOST:PORT, such as 127.0.0.1:8500';
    throw new Error(`${JSON.stringify(text)} is not an address; ${hint}`);
  }
  if (host === '') {
    throw new Error(`${JSON.stringify(text)} names no host; write 127.0.0.1:${port}, or 0.0.0.0:${port} for every interface`);
  }
  if (match[1] !== undefined && isIP(host) !== 6) throw new Error(`${JSON.stringify(host)} is not an IPv6 address`);
  if (port > 65_535) throw new Error(`port ${port} is too high, the limit is 65535`);
  return { host, port };
}

/** @throws Error whose message completes `<where>: ` */
export function parseAddressOrSocket(text: string): Address | SocketPath {
  if (!text.startsWith('unix:')) return parseAddress(text);
  const path = /^unix:\/\/(\/.*[^/])$/.exec(text)?.[1];
  if (path === undefined) throw new Error(`${JSON.stringify(text)} is not a Unix socket; write unix:///run/rollcall.sock`);
  const bytes = Buffer.byteLength(path);
  if (bytes > socketPathBytesMax) {
    throw new Error(`the path of a Unix socket has ${bytes} bytes, the limit is ${socketPathBytesMax}`);
  }
  return { path };
}

export function formatAddress(address: Address | SocketPath): string {
  if ('path' in address) return `unix://${address.path}`;
  const { host, port } = address;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
