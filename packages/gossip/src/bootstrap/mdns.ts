/**
 * Finds members of the same local network by multicast DNS (RFC 6762, 6763), with the package `bonjour-service`, which is
 * loaded here only. Each member publishes itself as `_rollcall-gossip._tcp`.
 */

import { createRequire } from 'node:module';
import { isIPv4 } from 'node:net';
import { RegistryError } from '@rollcall/protocol';
import type { Address } from '../messages.ts';

export interface MdnsOptions {
  readonly name: string;
  readonly group: string;
  readonly address: Address;
  /** Called with all addresses of other members when one is new. */
  readonly found: (addresses: readonly Address[]) => void;
}

const type = 'rollcall-gossip';

/** Addresses that are kept; each is tried in turn. */
const addressesMax = 64;

/**
 * @returns ends it
 * @throws RegistryError `failed_precondition` when the package is missing
 */
export async function startMdns({ name, group, address, found }: MdnsOptions): Promise<() => void> {
  const { Bonjour } = await load();
  // Multicast is of no use where a firewall drops it; members are then found by seeds.
  const bonjour = new Bonjour({}, () => {});
  const addresses = new Map<string, Address>();
  const published = bonjour.publish({ name: `${name}.${group}`, type, port: address.port, txt: { group, host: address.host, name }, probe: false });
  const browser = bonjour.find({ type }, (service) => {
    const { group: ofGroup, host, name: ofName } = service.txt as Partial<Record<string, string>>;
    if (ofGroup !== group || ofName === name || addresses.size >= addressesMax) return;
    const at = host ?? (service.addresses ?? []).find(isIPv4);
    if (at === undefined) return;
    addresses.set(`${at} ${service.port}`, { host: at, port: service.port });
    found([...addresses.values()]);
  });
  return () => {
    browser.stop();
    published.stop?.(() => bonjour.destroy());
  };
}

async function load(): Promise<Pick<typeof import('bonjour-service'), 'Bonjour'>> {
  try {
    createRequire(import.meta.url).resolve('bonjour-service');
    return await import('bonjour-service');
  } catch {
    throw new RegistryError('failed_precondition', 'mdns needs the package bonjour-service, which is not installed: npm install bonjour-service');
  }
}
