/** The identity that this server reports: its version, its service, and the address of the leader. */

import type { Identity } from '../../../net/frontend.ts';

/** Id and name of the service that represents the servers. */
export const serverService = 'consul';

/** The port on which Consul's servers talk to each other. Nothing listens there, but clients show the address. */
export const serverPort = 8300;

/** Whether an instance is the server's own service: it belongs to the catalog, and no agent lists or removes it. */
export function isServersOwn(identity: Identity, node: string, instance: string): boolean {
  return instance === serverService && node === identity.nodeName;
}

/**
 * The version of Consul with the behaviour that first-tier clients get. They depend on it, and ignore the part
 * after the `+` as build metadata (https://semver.org/#spec-item-10).
 */
export const behavesLike = '1.21.0';

/** The date of a Consul that was built without one. */
export const buildDate = '1970-01-01T00:00:01Z';

export function versionOf({ version }: Identity): string {
  return consulVersion(version);
}

/** @param version of Rollcall */
export function consulVersion(version: string): string {
  return `${behavesLike}+rollcall.${version}`;
}

/** @param address of a server's host */
export function serverAddress(address: string): string {
  return `${address.includes(':') ? `[${address}]` : address}:${serverPort}`;
}
