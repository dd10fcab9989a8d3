/**
 * Names: an app is the services whose names equal it when case is ignored; a registration writes the lower-case one. An instance
 * that a Eureka client registered has no node, and ids without a node are unique in a namespace, so its id is the service and its own
 * id: `orders/h1:orders:8080`. A service that Eureka registers has no `/` in its name, so this is injective. An instance of another
 * protocol is shown under its node and its id: `web-1:orders`.
 */

import { defaultNamespace } from '@rollcall/protocol';
import type { InstanceRow } from '../../registry/kind/catalog/rows.ts';

/** Eureka knows no namespaces: everything is in this one. */
export const namespace = defaultNamespace;

export function serviceOf(app: string): string {
  return app.toLowerCase();
}

export function appOf(service: string): string {
  return service.toUpperCase();
}

export function rowId(service: string, instanceId: string): string {
  return `${service}/${instanceId}`;
}

/** Id of the check that is the lease of an instance. @param id of the row */
export function leaseId(id: string): string {
  return `eureka:${id}`;
}

/** Whether a Eureka client registered the instance. */
export function isOwn({ node, foreign }: Pick<InstanceRow, 'node' | 'foreign'>): boolean {
  return node === '' && foreign?.['eureka'] !== undefined;
}

/** The id under which Eureka's clients see the instance; unique in its app. */
export function instanceIdOf(row: Pick<InstanceRow, 'node' | 'id' | 'service' | 'foreign'>): string {
  if (isOwn(row)) return row.id.slice(row.service.length + 1);
  return row.node === '' ? row.id : `${row.node}:${row.id}`;
}
