/** Who this server says that it is: its version, its service, and the address of the leader. */

import type { Identity } from '../../../net/frontend.ts';

/** Id and name of the service that stands for the servers. */
export const serverService = 'consul';

/** Where Consul's servers talk to each other; nothing listens there, but clients show the address. */
export const serverPort = 8300;

/** Whether an instance is the service of the server itself: it belongs to the catalog, and no agent lists or removes it. */
export function isServersOwn(identity: Identity, node: string, instance: string): boolean {
  return instance === serverService && node === identity.nodeName;
}

/**
 * The version of Consul whose first-tier behaviour this is. Clients branch on it, and read what
 * follows the `+` as build metadata (https://semver.org/#spec-item-10).
 */
export const behavesLike = '1.21.0';

/** The date of a Consul that was built without one. */
export const buildDate = '1970-01-01T00:00:01Z';

export function versionOf({ version }: Identity): string {
  return consulVersion(version);
}

/** @param version that of Rollcall */
export function consulVersion(version: string): string {
  return `${behavesLike}+rollcall.${version}`;
}

/** Also `Stats.consul.leader_addr` of `agent/self`, which tools compare with it. */
export function leaderAddress({ address }: Identity): string {
  return `${address.includes(':') ? `[${address}]` : address}:${serverPort}`;
}
