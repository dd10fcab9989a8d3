/**
 * A row of the route table: a path, its methods, and the permissions that each method needs. The table itself:
 * `../routes.ts`.
 */

import type { Access, AccessRoute } from '../../../security/access.ts';
import type { Resource, Verb } from '../../../security/authorizer.ts';
import type { Call, Handler } from './call.ts';
import type { Asked, Query } from './query.ts';

/**
 * `read` comes from a view, can wait, and is encoded once for all callers. `own` is the same, but depends on the
 * caller, and waits by a hash. `act` is everything else.
 */
export type Action = {
  readonly access: Access;
  /** How the audit log records it: writes and logins, but no heartbeats. */
  readonly audit?: 'write' | 'login';
} & (
  | {
      readonly read: (asked: Asked) => Query;
      /**
       * Takes `?ns=*` (`every-namespace.ts`): `lists` if the query is a list, which is joined from those of all namespaces;
       * `rows` if the query itself shows rows of all of them.
       */
      readonly everyNamespace?: 'lists' | 'rows';
    }
  | { readonly own: (call: Call) => Query }
  | {
      readonly act: Handler;
      /** Has the headers of a read, as in Consul, although it never waits. */
      readonly indexed?: true;
    }
);

export interface Route {
  /** `:name` at the end stands for the rest of the path. */
  readonly path: string;
  /** Answers 401 while access control is off. */
  readonly needsAcl?: boolean;
  readonly methods: Readonly<Partial<Record<'GET' | 'PUT' | 'POST' | 'DELETE', Action>>>;
}

/** Every caller may use it. @param why the answer needs no protection */
export function open(why: string): Access {
  return { kind: 'open', why };
}

/** For callers with a valid token, or without one: the answer has no protected rows. */
export const anyCaller = filters();

export const refused = open('every caller is refused');

/** A permission that is checked before the route runs. */
export function demands(resource: Resource, verb: Verb): Access {
  return { kind: 'demands', resource, verb };
}

/** The route checks the permission for the names in the request; it may check others, too. */
export function named(resource: Resource, verb: Verb): Access {
  return { kind: 'demands-by-name', resource, verb };
}

/** The answer leaves out rows that the caller may not read. */
export function filters(...resources: readonly Resource[]): Access {
  return { kind: 'filters', resources };
}

export function writes(act: Handler, access: Access): Action {
  return { act, access, audit: 'write' };
}

/** The access of each route and method, for `assertAccessDeclared`. */
export function accessOf(table: readonly Route[]): AccessRoute[] {
  return table.flatMap(({ path, methods }) =>
    Object.entries(methods).map(([method, { access }]) => ({ name: `${method} ${path}`, access })),
  );
}

/** Whether answers carry an index. */
export function isIndexed(action: Action | undefined): boolean {
  return action !== undefined && ('read' in action || ('act' in action && action.indexed === true));
}

/** An action with the path of its route, under which it is counted. */
export type Routed<A extends Action> = A & { readonly path: string };
export type RoutedRow = Pick<Route, 'path' | 'needsAcl'> & { readonly actions: ReadonlyMap<string, Routed<Action>> };

export function routed({ path, methods, ...rest }: Route): RoutedRow {
  const actions = Object.entries(methods).map(([method, action]): [string, Routed<Action>] => [method, { ...action, path }]);
  return { path, ...rest, actions: new Map(actions) };
}

export type ReadRoute = Routed<Extract<Action, { readonly read: unknown }>>;
export type OwnRoute = Routed<Extract<Action, { readonly own: unknown }>>;
export type ActRoute = Routed<Extract<Action, { readonly act: unknown }>>;
