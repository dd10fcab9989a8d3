/**
 * Names of views in frames, with their namespace, and their keys in this client; the error for a registry without
 * namespaces. Pure.
 */

import { RegistryError, defaultNamespace, isNamespaceName, namespaceLengthMax, type FrameView } from '@rollcall/protocol';

/** In frames, a view without a namespace is one of `default`. */
export function viewIn<K extends FrameView['kind']>(namespace: string, kind: K, name: string): FrameView & { readonly kind: K } {
  return { kind, ...(namespace !== defaultNamespace && { namespace }), name };
}

/** Different for different views: names of kinds and of namespaces have no spaces. */
export function viewKey({ kind, namespace = defaultNamespace, name }: FrameView): string {
  return `${kind} ${namespace} ${name}`;
}

/** The error for a registry that serves `default` for every namespace. */
export function noNamespaces(server: string | undefined, namespace: string): RegistryError {
  const message = `the registry at ${server ?? 'this address'} does not know namespaces, so it has no namespace ${namespace}; use a newer registry`;
  return new RegistryError('unimplemented', message);
}

/** @throws RegistryError `invalid_argument` */
export function checkNamespace(namespace: string): void {
  if (isNamespaceName(namespace)) return;
  const message = `namespace is ${JSON.stringify(namespace)}; it must be 1 to ${namespaceLengthMax} letters, digits and inner hyphens`;
  throw new RegistryError('invalid_argument', message);
}
