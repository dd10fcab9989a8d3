/**
 * Access: the permissions that a route requires, declared beside the route in the table of each front end. A front end
 * is not created while a route declares nothing, so that a forgotten declaration cannot leave a route open.
 */

import { RegistryError } from '@rollcall/protocol';
import type { Resource, Verb } from './authorizer.ts';

export type Access =
  /** Every caller may ask; `why` says why the answer needs no protection. */
  | { readonly kind: 'open'; readonly why: string }
  /** The server checks the permission before the route runs; for resources without names. */
  | { readonly kind: 'demands'; readonly resource: Resource; readonly verb: Verb }
  /** The route checks the permission for each name that it reads from the request. */
  | { readonly kind: 'demands-by-name'; readonly resource: Resource; readonly verb: Verb }
  /** The route leaves out of its answer the rows that the caller may not read; it does not refuse. */
  | { readonly kind: 'filters'; readonly resources: readonly Resource[] }
  /** The request proves itself by other means than a token: login, bootstrap. */
  | { readonly kind: 'own-proof'; readonly why: string };

export interface AccessRoute {
  /** For the message: `GET /v1/kv/*`. */
  readonly name: string;
  readonly access?: Access;
}

/** @throws RegistryError `failed_precondition` with every route that declares nothing */
export function assertAccessDeclared(frontend: string, routes: readonly AccessRoute[]): void {
  const open = routes.filter(({ access }) => access === undefined).map(({ name }) => name);
  if (open.length === 0) return;
  const message = `front end ${frontend}: no access is declared for ${open.join(', ')}; declare the permission that each needs, or why it needs none`;
  throw new RegistryError('failed_precondition', message);
}
