/**
 * Tells the instance that the registry registers of itself, so that clients of Consul find its servers. Protocols whose clients list all services leave it
 * out ([why](../../../../../../docs/decisions/0082-eurekas-lists-leave-out-the-registry.md)).
 */

import type { InstanceRow } from './rows.ts';

export function isRegistrysOwn({ service, id }: Pick<InstanceRow, 'service' | 'id'>): boolean {
  return service === 'consul' && id === 'consul';
}
