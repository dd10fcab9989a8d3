/**
 * The servers of the datacenter as Consul's clients see them: the machines that are members of the store, or this server alone when it
 * has the store for itself. Workers are processes of a machine, and are not shown. All nodes of a store give the same list.
 *
 * Every server answers every request, so none leads the others. Clients that ask for a leader get the one that has been a member for
 * longest.
 */

import { findNode } from '../../../registry/kind/catalog/find.ts';
import { failedMachines, machinesOf } from '../../../registry/kind/member/find.ts';
import type { Member } from '../../../registry/kind/member/rows.ts';
import type { State } from '../../../registry/state.ts';
import type { Context, Identity } from '../../../net/frontend.ts';
import { consulVersion, serverAddress } from './server-identity.ts';

export interface ServerFace {
  readonly id: string;
  readonly name: string;
  /** Host and port, where Consul's servers would talk to each other. */
  readonly address: string;
  /** In Consul's spelling. */
  readonly version: string;
  readonly leads: boolean;
  /** It drains, and is about to leave. */
  readonly leaves: boolean;
}

/** The one that leads first, then in the order in which they joined. */
export function serversOf({ identity, registry }: Pick<Context, 'identity' | 'registry'>): readonly ServerFace[] {
  const { state } = registry;
  const machines = machinesOf(state);
  if (machines.length === 0) {
    const { nodeId: id, nodeName: name, address, version } = identity;
    return [{ id, name, address: serverAddress(address), version: consulVersion(version), leads: true, leaves: false }];
  }
  return machines
    .toSorted((a, b) => Number(a.draining ?? false) - Number(b.draining ?? false) || a.epoch - b.epoch)
    .map((member, at) => ({
      id: member.nodeId,
      name: member.name,
      address: serverAddress(hostOf(state, member, identity)),
      version: consulVersion(member.version),
      leads: at === 0,
      leaves: member.draining === true,
    }));
}

/** The servers that have failed and have not come back, as long as they are shown. */
export function failedServersOf({ identity, registry }: Pick<Context, 'identity' | 'registry'>): readonly Pick<ServerFace, 'id' | 'name' | 'address' | 'version'>[] {
  const { state } = registry;
  return failedMachines(state).map((machine) => ({
    id: machine.nodeId,
    name: machine.name,
    address: serverAddress(hostOf(state, machine, identity)),
    version: consulVersion(machine.version),
  }));
}

/** The address that a server has registered its node with. */
function hostOf(state: State, { name, address }: Pick<Member, 'name' | 'address'>, identity: Identity): string {
  const registered = findNode(state, name)?.address;
  if (registered !== undefined) return registered;
  return URL.canParse(address) && !address.startsWith('unix:') ? new URL(address).hostname.replace(/^\[|\]$/g, '') : identity.address;
}
