/**
 * Scope: the namespace of a request (https://developer.hashicorp.com/consul/docs/enterprise/namespaces). `?ns` takes
 * precedence over the header `X-Consul-Namespace`; a `Namespace` in the body must be the same.
 */

import { defaultNamespace, isNamespaceName, type RegistryError } from '@rollcall/protocol';
import type { Caller } from '../../../security/acl.ts';
import { unrestricted } from '../../../security/authorizer.ts';
import { namespaceFor, shownNamespace } from '../../../security/hidden-namespace.ts';
import { invalid, quoted } from '../wire/errors.ts';
import type { Params } from '../wire/params.ts';
import { unidentified } from './authenticator.ts';
import type { Permission } from './permission.ts';

export interface Scope {
  readonly namespace: string;
  /** Maps a namespace of the body to the one that the caller may see; absent if the caller may see all. */
  readonly seen?: ((namespace: string) => string) | undefined;
  /**
   * Whether answers show the field `Namespace`: the request names a namespace, or its namespace is not `default`. Without
   * it, answers are those of Consul's community edition, byte for byte.
   */
  readonly named: boolean;
  /** The request itself names it, not only its token. A body must then name the same. */
  readonly chosen: boolean;
}

/** A filter on the field needs it in the objects that it sees. */
const filtersByNamespace = /(?:^|[^A-Za-z])Namespace\b/;

/**
 * The scope of a caller's request. A namespace in which the caller has no right does not exist for it
 * (`security/hidden-namespace.ts`); the caller of an open route has no rights to check.
 * @throws RegistryError `invalid_argument` as `readScope`
 */
export function scopeFor(caller: Caller, params: Params, header: string): Scope {
  const scope = readScope(params, header, caller.namespace);
  if (caller === unidentified || caller.authorizer === unrestricted) return scope;
  const seen = (namespace: string) => namespaceFor(caller, namespace);
  return { ...scope, namespace: seen(scope.namespace), seen };
}

/**
 * @param header `X-Consul-Namespace`; empty when there is none
 * @param fallback the namespace of a request that names none: that of its token
 * @throws RegistryError `invalid_argument` for what cannot be the name of a namespace, the wildcard `*` included
 */
export function readScope(params: Params, header: string, fallback: string): Scope {
  const given = params.get('ns') || header;
  if (given !== '') return { namespace: vetNamespace(given), named: true, chosen: true };
  const named = fallback !== defaultNamespace || filtersByNamespace.test(params.get('filter'));
  return { namespace: fallback, named, chosen: false };
}

/** The error for the wildcard where a request needs the name of a namespace. */
export function oneNamespace(): RegistryError {
  return invalid('Invalid namespace: "*": name one namespace; this request is not answered for all of them at once');
}

/** @throws RegistryError `invalid_argument` */
export function vetNamespace(name: string): string {
  if (isNamespaceName(name)) return name;
  if (name === '*') throw oneNamespace();
  throw invalid(`Invalid namespace: ${quoted(name)} is not a DNS label of letters, digits and hyphens, 63 characters at most`);
}

/**
 * The namespace that a body names, or else that of its request.
 * @throws RegistryError `invalid_argument` when the request names another one
 */
export function namespaceIn({ namespace, chosen, seen }: Pick<Scope, 'namespace' | 'chosen' | 'seen'>, given: string | undefined): string {
  const shown = shownNamespace(namespace);
  if (given === undefined || given === '' || given === shown) return namespace;
  if (chosen) throw invalid(`Namespace ${quoted(given)} in the request body does not match the namespace ${quoted(shown)} of the request`);
  const name = vetNamespace(given);
  return seen === undefined ? name : seen(name);
}

/** The same as a scope. A body that names its namespace gets answers that show it. */
export function scopeIn(scope: Scope, given: string | undefined): Scope {
  const { named, chosen } = scope;
  return { ...scope, namespace: namespaceIn(scope, given), named: named || Boolean(given), chosen: chosen || Boolean(given) };
}

/** The object of an answer, with the field `Namespace` if answers show it. */
export function placed<T extends object>({ named }: Pick<Scope, 'named'>, row: { readonly namespace: string }, json: T): T {
  return named ? { ...json, Namespace: row.namespace } : json;
}

/** The same permissions in a namespace that the body names. */
export function* inNamespace(namespace: string, permissions: Iterable<Permission>): Iterable<Permission> {
  for (const permission of permissions) yield { ...permission, namespace };
}
