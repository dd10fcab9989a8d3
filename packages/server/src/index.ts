/** Rollcall as a library. */

export { assertListenersAllowed, createServer } from './server.ts';
export type { Server, WorkerAccess } from './server.ts';
export type { Ports } from './listeners.ts';
export type { AccessOptions, FrontendName, HttpsOptions, ServerOptions, SocketOptions, TcpOptions } from './server-options.ts';
export { makeDirectory } from './engine/embedded/directory.ts';
export { embedded } from './engine/embedded/embedded.ts';
export type { EmbeddedOptions } from './engine/embedded/embedded.ts';
export { etcd } from './engine/etcd/etcd.ts';
export type { EtcdOptions } from './engine/etcd/etcd.ts';
export { follow } from './follow.ts';
export type { FollowOptions } from './follow.ts';
export { memory } from './engine/memory/memory.ts';
export type { Engine } from './engine/engine.ts';
export { defaultLimits } from './options.ts';
export type { Limits } from './options.ts';
export { inspectBackup } from './backups.ts';
export type { BackupContent } from './backup/inspect.ts';
export { stderrLog } from './telemetry/log.ts';
export { tarEnd, tarHeader, tarPadding } from './net/tar.ts';
export { verifyAudit } from './security/audit.ts';
export type { AuditVerdict } from './security/audit.ts';
export { linesOf } from './security/audit-file.ts';
export { parseHcl } from './security/hcl.ts';
export type { HclItem, HclValue } from './security/hcl.ts';
export { consulVersion } from './frontend/consul/request/server-identity.ts';
export { checkDefinitions } from './frontend/consul/agent/own-definitions.ts';
export type { OwnDefinitions } from './frontend/consul/agent/own-definitions.ts';
