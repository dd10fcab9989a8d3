/**
 * Names of views in frames, with their namespace, and their keys in this client; the error for a registry without
 * namespaces. Pure.
 */

import { RegistryError, defaultNamespace, type FrameView } from '@rollcall/protocol';

/** In frames, a view without a namespace is one of `default`. */
export function viewIn(namespace: string, kind: FrameView['kind'], name: string): FrameView {
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
