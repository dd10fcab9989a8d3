/**
 * What a route demands of its caller, declared beside the route in every front end's table. A route that
 * declares nothing stops the server from starting: forgetting must not mean allowing.
 */

import { RegistryError } from '@rollcall/protocol';
import type { Resource, Verb } from './authorizer.ts';

export type Access =
  /** Every caller may ask; why the answer needs no protection. */
  | { readonly kind: 'open'; readonly why: string }
  /** Demanded before the route runs; for what has no name. */
  | { readonly kind: 'demands'; readonly resource: Resource; readonly verb: Verb }
  /** Demanded by the route, for the names that it reads from the request. */
  | { readonly kind: 'demands-by-name'; readonly resource: Resource; readonly verb: Verb }
  /** Answers only what the caller may read of these, in silence. */
  | { readonly kind: 'filters'; readonly resources: readonly Resource[] }
  /** Proves itself by something else than a token: login, bootstrap. */
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
  const message = `front end ${frontend}: no access is declared for ${open.join(', ')}; say what callers need, or why nothing`;
  throw new RegistryError('failed_precondition', message);
}
