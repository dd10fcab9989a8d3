/**
 * Keeps the service `consul` true on a store that several servers share: the instance of a server that has failed is down, and one that has
 * left has none; its node goes, too, unless something else is registered on it. The server that leads does this for the others. A server
 * that was taken for dead and lives registers itself again.
 */

import { defaultNamespace } from '@rollcall/protocol';
import type { Context } from '../../../net/frontend.ts';
import { checksOnNode, instancesOfService, instancesOnNode } from '../../../registry/kind/catalog/find.ts';
import { serfHealth } from '../../../registry/kind/catalog/known-checks.ts';
import { failedMachines, machinesOf } from '../../../registry/kind/member/find.ts';
import { namespaceNames } from '../../../registry/kind/namespace/find.ts';
import type { Command } from '../../../registry/kinds.ts';
import type { State } from '../../../registry/state.ts';
import { serverService } from '../request/server-identity.ts';
import { serversOf } from '../request/servers.ts';
import { registerSelf } from './own-node.ts';

type Parts = Pick<Context, 'registry' | 'identity' | 'log'>;

/** To be called when the members of the store have changed. Never rejects. */
export async function showServers(parts: Parts): Promise<void> {
  try {
    await bringUpToDate(parts);
  } catch (err) {
    parts.log.warn({ err }, 'the service of the servers could not be brought up to date; the next change of members tries it again');
  }
}

async function bringUpToDate({ registry, identity }: Parts): Promise<void> {
  const { state } = registry;
  const { nodeId, nodeName } = identity;
  const machines = machinesOf(state);
  if (!machines.some((machine) => machine.nodeId === nodeId)) return;
  const instances = [...instancesOfService(state, defaultNamespace, serverService)].filter(({ id }) => id === serverService);
  if (!instances.some(({ node, status = 'up' }) => node === nodeName && status === 'up')) await registerSelf({ registry, identity });
  if (serversOf({ registry, identity })[0]?.id !== nodeId) return;
  const alive = new Set(machines.map(({ name }) => name));
  const failed = new Set(failedMachines(state).map(({ name }) => name));
  for (const { node, status } of instances) {
    if (alive.has(node) || (failed.has(node) && status === 'down')) continue;
    await registry.submit(failed.has(node) ? { kind: 'instance-status', namespace: defaultNamespace, node, id: serverService, status: 'down' } : removalOf(state, node));
  }
}

function removalOf(state: State, node: string): Command {
  const isInUse = Array.from(namespaceNames(state)).some(
    (namespace) =>
      [...instancesOnNode(state, namespace, node)].some(({ id }) => id !== serverService) || [...checksOnNode(state, namespace, node)].some(({ id }) => id !== serfHealth),
  );
  return isInUse ? { kind: 'deregister-instance', namespace: defaultNamespace, node, id: serverService } : { kind: 'deregister-node', node };
}
