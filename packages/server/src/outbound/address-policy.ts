/**
 * Decides to which of the addresses that clients give this server connects: for probes of checks and for the keys of
 * auth methods. A client that may write either makes this server send requests; the policy refuses link-local addresses
 * and the metadata services of clouds, which hand out credentials to this machine only. Loopback and private
 * networks are allowed, since services run there.
 *
 * A name is resolved once, here, and the socket connects to the addresses that passed: there is no second lookup that
 * could give another answer (DNS rebinding). Addresses are judged after parsing: `0xa9fea9fe`, `2852039166`
 * and `::ffff:a9fe:a9fe` are all 169.254.169.254. Background: OWASP, "Server-Side Request
 * Forgery Prevention Cheat Sheet".
 */

import { BlockList, isIP, type LookupFunction } from 'node:net';
import { RegistryError } from '@rollcall/protocol';
import type { Address, Lookup } from './lookup.ts';

/** Resolves a host to the addresses that this server may connect to. */
export type Resolve = (host: string) => Promise<readonly Address[]>;

const refused4: readonly (readonly [network: string, prefix: number])[] = [
  ['0.0.0.0', 8], // "this network" (RFC 1122); 0.0.0.0 reaches loopback on Linux
  ['169.254.0.0', 16], // link-local (RFC 3927): metadata of AWS, Google, Azure, Oracle and others at .169.254
  ['100.100.100.200', 32], // metadata of Alibaba Cloud
  ['168.63.129.16', 32], // Azure's WireServer
  ['192.0.0.192', 32], // metadata of Oracle Cloud Classic
  ['224.0.0.0', 4], // multicast (RFC 5771)
  ['255.255.255.255', 32], // broadcast
];

const refused6: readonly (readonly [network: string, prefix: number])[] = [
  ['::', 128], // unspecified
  ['fe80::', 10], // link-local (RFC 4291)
  ['ff00::', 8], // multicast
  ['fd00:ec2::254', 128], // metadata of AWS
  ['fd00:ec2::23', 128], // credentials of AWS EKS pods
  ['fd20:ce::254', 128], // metadata of Google Cloud
];

/**
 * IPv6 prefixes that carry an IPv4 address: the text before and after it, and the number of bits
 * before it. `BlockList` itself handles IPv4-mapped addresses.
 */
const carriers: readonly (readonly [before: string, after: string, prefix: number])[] = [
  ['64:ff9b::', '', 96], // NAT64 (RFC 6052)
  ['2002:', '::', 16], // 6to4 (RFC 3056)
];

/**
 * @param lookup called once per resolution
 * @returns a function that resolves a host name, or an address in any spelling that a URL accepts, with or without the
 *   brackets of IPv6. It throws RegistryError `permission_denied` when none of the addresses is allowed,
 *   `invalid_argument` for a text that is not a host, and the errors of `lookup`
 */
export function addressPolicy(lookup: Lookup): Resolve {
  const refused = refusedAddresses();
  const allowed = ({ address, family }: Address) =>
    // A text that is not an address is refused, too.
    isIP(address) === family && !refused.check(address, family === 6 ? 'ipv6' : 'ipv4');
  return async (host) => {
    const name = canonicalHost(host);
    const family = isIP(name);
    const found = family === 0 ? await lookup(name) : [{ address: name, family: family === 6 ? 6 : 4 } as const];
    const addresses = found.filter(allowed);
    if (addresses.length > 0) return addresses;
    if (found.length === 0) throw new RegistryError('not_found', `host ${host} has no address`);
    const list = found.map(({ address }) => address).join(', ');
    throw new RegistryError(
      'permission_denied',
      `address ${list} is refused: this server connects to no link-local, metadata, multicast or unspecified address`,
    );
  };
}

/** A `lookup` for sockets that returns these addresses for any name. */
export function pinned(addresses: readonly Address[]): LookupFunction {
  return (_host, options, callback) => {
    const wanted = addresses.filter(({ family }) => !options.family || options.family === family);
    const [first] = wanted;
    if (first === undefined) callback(new Error('no address of the wanted family'), '');
    else if (options.all === true) callback(null, wanted.map((address) => ({ ...address })));
    else callback(null, first.address, first.family);
  };
}

/** `host:port` with IPv6 in brackets. @throws RegistryError `invalid_argument` */
export function parseHostPort(text: string): { host: string; port: number } {
  const colon = text.lastIndexOf(':');
  const port = Number(text.slice(colon + 1));
  if (colon <= 0 || !/^\d{1,5}$/.test(text.slice(colon + 1)) || port < 1 || port > 65_535) {
    throw new RegistryError('invalid_argument', `${JSON.stringify(text)} is not of the form host:port`);
  }
  return { host: text.slice(0, colon), port };
}

/** The host in the form of a URL parser: IPv4 in dotted decimal, IPv6 without brackets. */
function canonicalHost(host: string): string {
  const plain = /^(?:\[[^\]]*\]|[^:]+)$/.test(host) && URL.canParse(`http://${host}/`);
  const url = plain ? new URL(`http://${host}/`) : undefined;
  if (url === undefined || url.href !== `http://${url.hostname}/`) {
    throw new RegistryError('invalid_argument', `${JSON.stringify(host)} is no host name or address`);
  }
  return url.hostname.replace(/^\[|\]$/g, '');
}

function refusedAddresses(): BlockList {
  const list = new BlockList();
  for (const [network, prefix] of refused6) list.addSubnet(network, prefix, 'ipv6');
  for (const [network, prefix] of refused4) {
    list.addSubnet(network, prefix, 'ipv4');
    const [a = 0, b = 0, c = 0, d = 0] = network.split('.').map(Number);
    const hex = `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
    for (const [before, after, bits] of carriers) {
      list.addSubnet(`${before}${hex}${after}`, bits + prefix, 'ipv6');
    }
  }
  return list;
}
