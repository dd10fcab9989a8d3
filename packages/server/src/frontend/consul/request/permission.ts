/**
 * Permissions: the rights that a caller needs for a request. An endpoint lists them as data; only this file asks access control
 * whether the caller has them, and refuses with Consul's text.
 */

import type { Caller } from '../../../security/acl.ts';
import type { Resource, Verb } from '../../../security/authorizer.ts';
import type { Context } from '../../../net/frontend.ts';
import { namespaceNames } from '../../../registry/kind/namespace/find.ts';

export interface Permission {
  readonly resource: Resource;
  readonly verb: Verb;
  /** Name of the key, service, node …; empty for resources without names. */
  readonly name: string;
  /** Set if it is not the namespace of the request. */
  readonly namespace?: string;
  /** For the definition of the namespace, which rules for it, or for `operator`, allow. */
  readonly definition?: true;
  /** Required for every key that begins with the name, not only for the key of that name. */
  readonly tree?: true;
  /** The permission in one namespace is enough: the answer leaves out the others. */
  readonly somewhere?: true;
}

export function permission(resource: Resource, verb: Verb, name = ''): Permission {
  return { resource, verb, name };
}

/** To read or write the definition of a namespace. */
export function toDefine(namespace: string, verb: 'read' | 'write'): Permission {
  return { ...permission('operator', verb), namespace, definition: true };
}

/** @throws RegistryError `permission_denied` that names the first permission that the caller lacks */
export function authorize(
  { context, caller, namespace }: { readonly context: Pick<Context, 'security' | 'registry'>; readonly caller: Caller; readonly namespace: string },
  needed: Iterable<Permission>,
): void {
  for (const { resource, verb, name, tree, definition, somewhere, namespace: own = namespace } of needed) {
    const { authorizer } = caller;
    if (somewhere === true) {
      const names = [...namespaceNames(context.registry.state)];
      if (!names.some((one) => authorizer.allows(one, resource, verb, name))) throw context.security.acl.denied(caller, own, resource, verb, name);
      continue;
    }
    if (definition === true) {
      context.security.acl.authorizeNamespace(caller, own, verb === 'write' ? 'write' : 'read');
      continue;
    }
    const has = tree === true ? authorizer.allowsKeyTree(own, name, 'write') : authorizer.allows(own, resource, verb, name);
    if (!has) throw context.security.acl.denied(caller, own, resource, verb, name);
  }
}
