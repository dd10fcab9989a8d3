/** The namespace of a write: Nacos' clients write to any id, and the first write creates it. */

import { defaultNamespace } from '@rollcall/protocol';
import type { Context } from '../../net/frontend.ts';
import { findNamespace } from '../../registry/kind/namespace/find.ts';
import type { Caller } from '../../security/acl.ts';
import type { Origin } from '../../security/gate.ts';
import { shownNamespace } from '../../security/hidden-namespace.ts';
import { nacosCodes, NacosError } from './errors.ts';
import { fromNamespace } from './names.ts';

/**
 * Creates the namespace if it is missing and the caller may create it.
 * @throws NacosError `not_found` that says how to create it
 */
export async function ensureNamespace({ registry, security }: Pick<Context, 'registry' | 'security'>, caller: Caller, origin: Origin, namespace: string): Promise<void> {
  if (namespace === defaultNamespace || findNamespace(registry.state, namespace) !== undefined) return;
  const shown = shownNamespace(namespace);
  if (shown !== namespace || !caller.authorizer.allowsNamespace(namespace, 'write')) {
    const message = `namespace '${fromNamespace(shown)}' does not exist; an operator creates it: POST /nacos/v1/console/namespaces, or rollcall namespaces create`;
    throw new NacosError('not_found', message, nacosCodes.namespaceNotFound);
  }
  await registry.submit({ kind: 'namespace-put', name: namespace, description: 'Created by the first write of a Nacos client' });
  security.gate.record('write', caller, namespace, origin, `create namespace ${namespace}`);
}
