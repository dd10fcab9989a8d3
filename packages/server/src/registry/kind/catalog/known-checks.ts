/**
 * Checks whose ids mean something to the registry itself, as they do to Consul (`agent/structs/structs.go`:
 * `SerfCheckID`, `NodeMaint`, `ServiceMaintPrefix`). Ids only: front ends write what these checks say, except the
 * administrative check (`administrative-check.ts`).
 */

/** The check of a node by which its agent says that it is alive. */
export const serfHealth = 'serfHealth';

/** The critical check that takes a whole node out of service. */
export const nodeMaintenance = '_node_maintenance';

const administrativePrefix = '_rollcall_status:';

/** The critical check that the registry itself writes while an instance is not up, or is disabled. */
export function administrativeCheckId(instance: string): string {
  return administrativePrefix + instance;
}

export function isAdministrative(check: string): boolean {
  return check.startsWith(administrativePrefix);
}

const instanceMaintenancePrefix = '_service_maintenance:';

/** The critical check that takes one instance out of service. */
export function instanceMaintenance(instance: string): string {
  return instanceMaintenancePrefix + instance;
}

export function isMaintenance(check: string): boolean {
  return check === nodeMaintenance || check.startsWith(instanceMaintenancePrefix);
}
