/**
 * Names of namespaces. A namespace separates the services, keys, sessions and rights of one team from those of
 * another; nodes are shared by all of them. This file says which names are allowed, not which namespaces exist.
 */

/** The namespace of a request that names none. It always exists. */
export const defaultNamespace = 'default';

/** Longest name, in characters: it is a label of a DNS name (`web.service.team-a.ns.consul`; RFC 1035 §2.3.4). */
export const namespaceLengthMax = 63;

const label = /^[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?$/;

/**
 * Whether a name may be given to a namespace: letters, digits and inner hyphens, as Consul Enterprise demands
 * (https://developer.hashicorp.com/consul/docs/enterprise/namespaces: "a valid DNS hostname label"; RFC 1123 §2.1).
 */
export function isNamespaceName(name: string): boolean {
  return name.length <= namespaceLengthMax && label.test(name);
}
