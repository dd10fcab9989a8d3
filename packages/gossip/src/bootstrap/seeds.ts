/**
 * Where the first members are found: addresses and names that the program gives, SRV records, and mDNS. It finds addresses;
 * the state machine decides when they are tried.
 */

import { lookup, resolveSrv } from 'node:dns/promises';
import { isIP } from 'node:net';
import { RegistryError } from '@rollcall/protocol';
import type { Address } from '../messages.ts';

/** The port that members listen on if none is given. The first process of a machine has it, others take any. */
export const defaultPort = 8_530;

/** Most addresses of all seeds together. */
const addressesMax = 256;

export type Seed =
  /** All addresses of the host; a name with several A records gives several. */
  | { readonly kind: 'host'; readonly host: string; readonly port: number }
  /** Hosts and ports of an SRV record (RFC 2782). */
  | { readonly kind: 'srv'; readonly name: string };

export interface Names {
  readonly lookup: (host: string) => Promise<readonly { readonly address: string }[]>;
  readonly srv: (name: string) => Promise<readonly { readonly name: string; readonly port: number }[]>;
}

export const systemNames: Names = {
  lookup: (host) => lookup(host, { all: true }),
  srv: (name) => resolveSrv(name),
};

/**
 * @param text `host`, `host:port` (IPv6 in brackets), or `srv:NAME`
 * @throws RegistryError `invalid_argument`
 */
export function parseSeed(text: string): Seed {
  if (text.startsWith('srv:') && text.length > 4) return { kind: 'srv', name: text.slice(4) };
  if (isIP(text) === 6) return { kind: 'host', host: text, port: defaultPort };
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = digits === undefined ? defaultPort : Number(digits);
  if (host === undefined || port < 1 || port > 65_535) {
    throw new RegistryError('invalid_argument', `seed ${JSON.stringify(text)} is not HOST, HOST:PORT (IPv6 in brackets) or srv:NAME`);
  }
  return { kind: 'host', host, port };
}

/** The addresses of the seeds now. Names that do not resolve are left out, and reported. */
export async function findSeeds(seeds: readonly Seed[], names: Names, failed: (message: string) => void): Promise<Address[]> {
  const found = await Promise.all(seeds.map((seed) => addressesOf(seed, names).catch((error: unknown) => {
    failed(`seed ${seed.kind === 'srv' ? `srv:${seed.name}` : seed.host} was not found: ${(error as Error).message}`);
    return [];
  })));
  const distinct = new Map(found.flat().map((address) => [`${address.host} ${address.port}`, address]));
  return [...distinct.values()].slice(0, addressesMax);
}

async function addressesOf(seed: Seed, names: Names): Promise<Address[]> {
  if (seed.kind === 'host') return hostAddresses(seed.host, seed.port, names);
  const records = await names.srv(seed.name);
  return (await Promise.all(records.map(({ name, port }) => hostAddresses(name, port, names)))).flat();
}

async function hostAddresses(host: string, port: number, names: Names): Promise<Address[]> {
  if (isIP(host) !== 0) return [{ host, port }];
  return (await names.lookup(host)).map(({ address }) => ({ host: address, port }));
}
