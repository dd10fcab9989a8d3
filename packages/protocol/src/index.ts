/** The types and checks that client and server share. This package imports nothing. */

export { RegistryError, errorCodes, isRegistryError, toRegistryError } from './errors.ts';
export type { ErrorCode } from './errors.ts';
export { defaultNamespace, isNamespaceName, namespaceLengthMax } from './namespace.ts';
export { nearest } from './nearest.ts';
export { hash32, mix32 } from './hash32.ts';
export { bucketOf, isWithinPercent, totalWeightMax } from './config/bucket.ts';
export { parseFlags } from './config/flags/flag-set.ts';
export type { FlagErrorCode, FlagEvaluation, FlagMetadata, FlagReason, FlagSet, FlagType, FlagValue, ParsedFlags } from './config/flags/flag-set.ts';
export { configFormats, formatOfName, isConfigFormat, mediaTypeOf } from './config/formats.ts';
export type { ConfigFormat } from './config/formats.ts';
export { configNameParts, releasesOf } from './config/layer.ts';
export type { ConfigLayer, ReaderFacts } from './config/layer.ts';
export { mergeProperties } from './config/merge.ts';
export type { MergedProperty, PropertyLayer } from './config/merge.ts';
export { parseProperties, printProperties } from './config/properties.ts';
export type { ParsedProperties } from './config/properties.ts';
export type { CheckDefinition, CheckKind, CheckStatus } from './check.ts';
export { administrativeStatuses, getsTraffic, instanceStatuses, worseStatus } from './instance.ts';
export type { AdministrativeStatus, Instance, InstanceStatus, NamedPort, ServiceSnapshot } from './instance.ts';
export type { CheckRegistration, InstanceRegistration } from './registration.ts';
export { checkRequest } from './frame-request.ts';
export { checkReply } from './frame-reply.ts';
export { frameLimits } from './frame-limits.ts';
export { isItemView } from './frame-view.ts';
export type { FrameView, FrameViewKind, ItemView, WatchedView } from './frame-view.ts';
export { streamLeftCode, streamPath, streamProtocol } from './frame.ts';
export type {
  BeatFrame,
  Checked,
  ConfigReportFrame,
  DeltaFrame,
  DeregisterFrame,
  DoneFrame,
  DrainFrame,
  ErrorFrame,
  FrameItem,
  FrameItemKey,
  FreshnessFrame,
  GetFrame,
  GoElsewhereFrame,
  GoodbyeFrame,
  HelloFrame,
  KvDeleteFrame,
  KvItem,
  KvPutFrame,
  LeaseFrame,
  LeasedFrame,
  RegisterFrame,
  ReplyFrame,
  RequestFrame,
  SeenRevision,
  ServiceEntry,
  SessionLostFrame,
  SnapshotFrame,
  UnwatchFrame,
  WatchEndedFrame,
  WatchFrame,
  WatchingFrame,
  WelcomeFrame,
} from './frame.ts';
export type {
  CommittedFrame,
  LockAcquireFrame,
  LockEndFrame,
  LockGrant,
  LockHolder,
  LockReleaseFrame,
  LockRenewFrame,
  LockRenewedFrame,
  LockSessionFrame,
  LockTransferFrame,
  LockQueueFrame,
  LockWaiter,
  LockWaitingFrame,
  LockedFrame,
  TxnFrame,
  TxnWrite,
} from './frame-lock.ts';
export type { SessionKey } from './session-key.ts';
