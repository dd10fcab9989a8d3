/**
 * The server's own node: registered at every start, with the service `consul`. When the server has got another name, its
 * node is renamed, and what was registered on it comes along, as Consul's agent registers its services anew from its
 * data folder. What streams vouch for does not: their clients come back and register it.
 */

import { defaultNamespace } from '@rollcall/protocol';
import type { Context } from '../../../net/frontend.ts';
import type { CheckInput, InstanceInput } from '../../../registry/command.ts';
import { serfHealth } from '../../../registry/kind/catalog/known-checks.ts';
import { find } from '../../../registry/reader.ts';
import type { State } from '../../../registry/state.ts';
import { serverPort, serverService } from '../request/server-identity.ts';
import { aliveCheck } from './enrolment.ts';
import { renameOwn } from './own-definitions.ts';

/** Changes nothing, and so moves no revision, when the registry has it already. */
export async function registerSelf({ registry, identity }: Pick<Context, 'registry' | 'identity'>): Promise<void> {
  const { nodeName, nodeId, address, nodeMeta } = identity;
  const { state } = registry;
  const before = find.nodeWithId(state, nodeId) ?? find.node(state, nodeName);
  const renamed = before !== undefined && before.name !== nodeName;
  const { instances, checks } = renamed ? contentOf(state, before.name) : { instances: [], checks: [] };
  if (renamed) await renameOwn(registry, before.name, nodeName);
  await registry.submit({
    kind: 'register',
    namespace: defaultNamespace,
    node: { ...before, name: nodeName, id: nodeId, address, ...(nodeMeta === undefined ? {} : { meta: nodeMeta }) },
    nodeMode: 'update',
    instances: [{ id: serverService, service: serverService, port: serverPort }, ...instances],
    checks: [aliveCheck, ...checks],
  });
}

function contentOf(state: State, node: string): { instances: InstanceInput[]; checks: CheckInput[] } {
  const rows = [...find.instancesOnNode(state, defaultNamespace, node)].filter(({ id, session }) => id !== serverService && session === undefined);
  const ids = new Set(['', ...rows.map(({ id }) => id)]);
  const checks = [...find.checksOnNode(state, defaultNamespace, node)].filter(({ id, instance }) => id !== serfHealth && ids.has(instance));
  return { instances: rows, checks: checks.map(({ instance, ...check }) => (instance === '' ? check : { ...check, instance })) };
}
