/**
 * The server's own node, which every start registers, with the service `consul`. If the server's name has changed,
 * its node is renamed with its services and checks, as Consul's agent registers its services again from its
 * data folder. Instances of streams are not moved: their clients reconnect and register them.
 */

import { defaultNamespace } from '@rollcall/protocol';
import type { Context } from '../../../net/frontend.ts';
import type { CheckInput, InstanceInput } from '../../../registry/kind/catalog/commands.ts';
import { checksOnNode, findNode, instancesOnNode, nodeWithId } from '../../../registry/kind/catalog/find.ts';
import { namespaceNames } from '../../../registry/kind/namespace/find.ts';
import { serfHealth } from '../../../registry/kind/catalog/known-checks.ts';
import type { State } from '../../../registry/state.ts';
import { serverPort, serverService } from '../request/server-identity.ts';
import { aliveCheck } from './enrolment.ts';
import { renameOwn } from './own-definitions.ts';

/** Writes nothing, and so raises no revision, if the node is registered already. */
export async function registerSelf({ registry, identity }: Pick<Context, 'registry' | 'identity'>): Promise<void> {
  const { nodeName, nodeId, address, nodeMeta } = identity;
  const { state } = registry;
  const before = nodeWithId(state, nodeId) ?? findNode(state, nodeName);
  const renamed = before !== undefined && before.name !== nodeName;
  const [own = noContent, ...others] = renamed ? Array.from(namespaceNames(state), (name) => contentOf(state, name, before.name)) : [];
  if (renamed) await renameOwn(registry, before.name, nodeName);
  const node = { ...before, name: nodeName, id: nodeId, address, ...(nodeMeta === undefined ? {} : { meta: nodeMeta }) };
  await registry.submit({
    kind: 'register',
    namespace: defaultNamespace,
    node,
    nodeMode: 'update',
    instances: [{ id: serverService, service: serverService, port: serverPort }, ...own.instances],
    checks: [aliveCheck, ...own.checks],
  });
  for (const content of others) {
    if (content.instances.length > 0) await registry.submit({ kind: 'register', node, nodeMode: 'ensure', ...content });
  }
}

interface Content {
  readonly namespace: string;
  readonly instances: readonly InstanceInput[];
  readonly checks: readonly CheckInput[];
}

const noContent: Content = { namespace: defaultNamespace, instances: [], checks: [] };

/** The services and checks of a node in one namespace; in `default` also the checks of the node itself. */
function contentOf(state: State, namespace: string, node: string): Content {
  const rows = [...instancesOnNode(state, namespace, node)].filter(({ id, session }) => id !== serverService && session === undefined);
  const ids = new Set(['', ...rows.map(({ id }) => id)]);
  const checks = [...checksOnNode(state, namespace, node)].filter(({ id, instance }) => id !== serfHealth && ids.has(instance));
  return {
    namespace,
    instances: rows,
    checks: checks.map(({ instance, ...check }) => (instance === '' ? check : { ...check, instance })),
  };
}
