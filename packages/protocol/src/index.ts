/** The types and checks that client and server share. This package imports nothing. */

export { RegistryError, errorCodes, isRegistryError, toRegistryError } from './errors.ts';
export type { ErrorCode } from './errors.ts';
export { defaultNamespace, isNamespaceName, namespaceLengthMax } from './namespace.ts';
export { nearest } from './nearest.ts';
export type { GossipOptions, GossipTiming } from './gossip-options.ts';
export { hash32, mix32 } from './hash32.ts';
export { bucketOf, isWithinPercent, totalWeightMax } from './config/bucket.ts';
export { parseFlags } from './config/flags/flag-set.ts';
export { traceFlag } from './config/flags/trace.ts';
export type { FlagSplit, FlagStep, FlagTrace, RulePath, TracedFlag } from './config/flags/trace.ts';
export type { FlagErrorCode, FlagEvaluation, FlagMetadata, FlagReason, FlagSet, FlagType, FlagValue, ParsedFlags } from './config/flags/flag-set.ts';
export { configFormats, formatOfName, isConfigFormat, mediaTypeOf } from './config/formats.ts';
export type { ConfigFormat } from './config/formats.ts';
export { configNameParts, releasesOf } from './config/layer.ts';
export type { ConfigLayer, ReaderFacts } from './config/layer.ts';
export { mergeProperties } from './config/merge.ts';
export type { MergedProperty, PropertyLayer } from './config/merge.ts';
export { parseProperties, printProperties } from './config/properties.ts';
export type { ParsedProperties } from './config/properties.ts';
export { kindOfCheck } from './check.ts';
export type { CheckDefinition, CheckKind, CheckStatus } from './check.ts';
export { administrativeStatuses, getsTraffic, identityOf, instanceStatuses, worseStatus } from './instance.ts';
export type { AdministrativeStatus, Instance, InstanceStatus, NamedPort, ServiceSnapshot } from './instance.ts';
export type { CheckRegistration, InstanceRegistration } from './registration.ts';
export { checkRequest } from './frame-request.ts';
export { checkReply } from './frame-reply.ts';
export { frameLimits } from './frame-limits.ts';
export { checkRoute, routeBalancers, routeLimits, routeSchema, routeWords } from './route/route.ts';
export { selects } from './route/selects.ts';
export { subsetOf } from './route/subset.ts';
export type { Route, RouteBalancer, RouteSelector } from './route/route.ts';
export { authMethodListSchema, authMethodSchema, bindingRuleSchema, canISchema, decidingRuleSchema, deletedSchema, denialSchema, grantorsSchema, newTokenSchema, policyListSchema, policySchema, rightsMatrixSchema, roleListSchema, roleSchema, rulesProblemSchema, tokenListSchema, tokenSchema, whoMaySchema } from './answers/access.ts';
export type { AccessLink, AuthMethodList, CanI, DecidingRule, ExplainedDenial, Grantors, NewToken, PolicyList, RightsCell, RightsMatrix, RoleList, RulesProblem, ShownAuthMethod, ShownBindingRule, ShownPolicy, ShownRole, ShownToken, TokenList, WhoMay } from './answers/access.ts';
export { actionSchema } from './answers/actions.ts';
export type { ActionAnswer, ActionRefusal, CheckedNow } from './answers/actions.ts';
export { activitySchema, auditKinds } from './answers/activity.ts';
export type { ActivityAnswer, ActivityLine, AuditKind } from './answers/activity.ts';
export { clientListSchema, topologySchema } from './answers/clients.ts';
export type { ClientInstance, ClientList, ClientPicks, ClientRelease, ClientsLastFollower, ClientWatch, ListedClient, Topology, TopologyEdge } from './answers/clients.ts';
export { clusterSchema, expiryOverrideSchema, livenessSchema } from './answers/cluster.ts';
export type { ClusterAnswer, ExpiryOverride, LivenessStatus, LossCause, NodeFacts, ShownCertificate, ShownMember } from './answers/cluster.ts';
export { configDiffSchema, configHistorySchema, configListSchema, configReadersSchema, configSchema, configSettings, draftSchema, oldKeysSchema, releaseSchema, resolvedConfigSchema } from './answers/config.ts';
export type { ConfigDetail, ConfigDraft, ShownConfigReader, ConfigReaders, ConfigRelease, ConfigSettingChange, ConfigSettings, ConfigStep, DiffLine, ListedConfig, OldKeys, ReleaseCounts, ResolvedConfig } from './answers/config.ts';
export { approversSchema, configPolicySchema, configVerdictSchema, doneSchema, draftSavedSchema, environmentHistorySchema, environmentListSchema, pendingWorkSchema, proposalListSchema, proposalSchema, proposedSchema, publishedSchema, settledSchema } from './answers/config-work.ts';
export type { Approvers, ConfigEnvironment, ConfigPolicy, ConfigVerdict, ContentFault, Done, DraftSaved, EnvironmentRules, EnvironmentStep, ListedProposal, PendingWork, ProposalDetail, Proposed, Published, Settled } from './answers/config-work.ts';
export { instanceDetailsSchema, nodeDetailSchema } from './answers/details.ts';
export type { CheckDetail, InstanceDetail, InstanceDetails, InstanceOnNode, NodeDetail } from './answers/details.ts';
export { nodeHealthSchema, serviceHealthSchema } from './answers/health.ts';
export type { NodeHealth, NodeHealthAnswer, ServiceHealth, ServiceHealthAnswer } from './answers/health.ts';
export { changedKinds, checkChangesSchema, healthStripSchema, historyDiffSchema, historySchema, pastViewSchema } from './answers/history.ts';
export type { CheckChange, CheckChanges, FieldChange, HealthCell, HealthStrip, HistoryChange, HistoryDiff, HistoryFacts, PastView } from './answers/history.ts';
export { keyCountSchema, keyListSchema } from './answers/keys.ts';
export type { KeyCount, KeyEntry, KeyList, ListedKey } from './answers/keys.ts';
export { heldKeyListSchema, lockListSchema, lockSchema } from './answers/locks.ts';
export type { HeldKey, HeldKeyList, ListedLock, LockContender, LockDetail, LockList, LockRight } from './answers/locks.ts';
export { overviewSchema } from './answers/overview.ts';
export type { Overview, OverviewLine } from './answers/overview.ts';
export { rolloutInputSchema, rolloutPlanSchema, rolloutSchema } from './answers/rollouts.ts';
export type { RolloutAlarm, RolloutInput, RolloutPlan, RolloutRule, RolloutStage, ShownRollout, StagedRollout } from './answers/rollouts.ts';
export { searchSchema } from './answers/search.ts';
export type { Found, FoundKind, SearchAnswer } from './answers/search.ts';
export type { CountsByStatus } from './answers/values.ts';
export { isWebhookFailing, webhookEvents, webhookListSchema, webhookTestSchema } from './answers/webhooks.ts';
export type { LastWebhookDelivery, ShownWebhook, WebhookDelivery, WebhookEventType, WebhookGap, WebhookList, WebhookOutcome } from './answers/webhooks.ts';
export { faultIn, faultInAnswer, object } from './schema.ts';
export type { ObjectSchema, Schema, SchemaFields, Shaped } from './schema.ts';
export { isItemView } from './frame-view.ts';
export type { PickReportFrame, ServicePicks } from './frame-picks.ts';
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
  KvItem,
  LeaseFrame,
  LeasedFrame,
  RegisterFrame,
  ReplyFrame,
  RouteEntry,
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
export type { KvDeleteFrame, KvPutFrame } from './frame-kv.ts';
export { kindOfLock, nameOfContender } from './lock-kind.ts';
export { lockPurposes } from './frame-lock.ts';
export type {
  CommittedFrame,
  LockAcquireFrame,
  LockEndFrame,
  LockGrant,
  LockHolder,
  LockPurpose,
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
export { pageKeyHeader, pageKeyProtocol, pageProtocol } from './page-key.ts';
export { withTimeLimit } from './time-limit.ts';
