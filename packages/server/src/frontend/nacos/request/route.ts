/** A row of the table of routes: a path below `/nacos`, its methods, and the access that each needs. */

import type { Access, AccessRoute } from '../../../security/access.ts';
import type { Resource, Verb } from '../../../security/authorizer.ts';
import type { Format, Returned } from './answer.ts';
import type { Call } from './call.ts';

export type Handler = (call: Call, format: Format) => Returned | Promise<Returned>;
export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH';

export interface Action {
  readonly run: Handler;
  readonly access: Access;
  /** How the audit log records it: changes and logins, but no heartbeats. */
  readonly audit?: 'write' | 'login';
  /** The form may have the content of a configuration. */
  readonly large?: true;
}

export interface Route {
  readonly path: string;
  readonly format: Format;
  readonly methods: Readonly<Partial<Record<Method, Action>>>;
}

export function open(run: Handler, why: string): Action {
  return { run, access: { kind: 'open', why } };
}

/** The handler checks the permission for the names in the request. */
export function reads(resource: Resource, run: Handler): Action {
  return { run, access: { kind: 'demands-by-name', resource, verb: 'read' } };
}

export function writes(resource: Resource, run: Handler): Action {
  return { run, access: { kind: 'demands-by-name', resource, verb: 'write' }, audit: 'write' };
}

/** The same without a line in the audit log for each. */
export function beats(resource: Resource, run: Handler): Action {
  return { run, access: { kind: 'demands-by-name', resource, verb: 'write' } };
}

/** A permission that is checked before the handler runs. */
export function demands(resource: Resource, verb: Verb, run: Handler): Action {
  const access = { kind: 'demands', resource, verb } as const;
  return verb === 'write' ? { run, access, audit: 'write' } : { run, access };
}

/** The handler leaves out of its answer what the caller may not read. */
export function filters(resources: readonly Resource[], run: Handler): Action {
  return { run, access: { kind: 'filters', resources } };
}

export function large(action: Action): Action {
  return { ...action, large: true };
}

export function accessOf(table: readonly Route[]): AccessRoute[] {
  return table.flatMap(({ path, methods }) => Object.entries(methods).map(([method, { access }]) => ({ name: `${method} ${path}`, access })));
}
