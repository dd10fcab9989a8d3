/** The resource of a type that a name of a service stands for. Pure. */

import type { Route } from '@rollcall/protocol';
import type { ResourceType } from '../wire/any.ts';
import { assignmentOf, type AssignmentOptions, type Place } from './assignment.ts';
import { clusterOf } from './cluster.ts';
import type { Locality } from './endpoints.ts';
import { listenerOf } from './listener.ts';
import type { Resource } from './resource.ts';
import { routesOf, type Ready } from './routes.ts';

/** What a resource depends on besides its name. */
export interface Subject extends AssignmentOptions {
  /** Of the group that the name is about. */
  readonly localities: readonly Locality[];
  readonly route: Route;
  readonly ready: Ready;
}

/** A service without instances and without a route. */
export const nothing: Subject = { localities: [], route: {}, ready: { all: 0, canary: 0, stable: 0 } };

export function resourceFor(type: ResourceType, name: string, { localities, route, ready, factorOf, isShared }: Subject, place: Place): Resource {
  switch (type) {
    case 'listener':
      return listenerOf(name);
    case 'route':
      return routesOf(name, route, ready);
    case 'cluster':
      return clusterOf(name, route);
    case 'endpoints':
      return assignmentOf(name, localities, place, { factorOf, isShared });
  }
}
