/**
 * Checks whose ids mean something to the registry itself, as they do to Consul (`agent/structs/structs.go`:
 * `SerfCheckID`, `NodeMaint`, `ServiceMaintPrefix`). Ids only: what such a check says is written by front ends.
 */

/** The check of a node by which its agent says that it is alive. */
export const serfHealth = 'serfHealth';

/** The critical check that takes a whole node out of service. */
export const nodeMaintenance = '_node_maintenance';

const instanceMaintenancePrefix = '_service_maintenance:';

/** The critical check that takes one instance out of service. */
export function instanceMaintenance(instance: string): string {
  return instanceMaintenancePrefix + instance;
}

export function isMaintenance(check: string): boolean {
  return check === nodeMaintenance || check.startsWith(instanceMaintenancePrefix);
}
