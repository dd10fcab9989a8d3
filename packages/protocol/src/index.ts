/** The vocabulary that both ends share. This package imports nothing. */

export { RegistryError, errorCodes, isRegistryError, toRegistryError } from './errors.ts';
export type { ErrorCode } from './errors.ts';
export { worstStatus } from './check.ts';
export type { CheckDefinition, CheckKind, CheckStatus } from './check.ts';
export type { Instance, InstanceStatus, ServiceSnapshot } from './instance.ts';
