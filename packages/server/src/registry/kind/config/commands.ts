/** The commands about configurations, and their limits. */

import type { Foreign } from '../../row.ts';
import type { ConfigCheck, ConfigParent, ConfigRef, Policy, RolloutInput } from './rows.ts';

/** Limits of a configuration. */
export const configLimits = {
  /** Longest content, in bytes: with its rows it fits into one transaction of etcd (1.5 MiB). */
  contentBytesMax: 1_048_576,
  appMax: 128,
  clusterMax: 128,
  nameMax: 256,
  /** Characters of the format, one tag, a label or its value, who published. */
  wordMax: 128,
  descriptionMax: 2_048,
  messageMax: 2_048,
  tagsMax: 64,
  parentsMax: 16,
  rolloutsMax: 10,
  stagesMax: 20,
  /** The longest bake of a stage: 30 days. */
  bakeMsMax: 2_592_000_000,
  /** The largest count of a stage. Each instance takes about 30 bytes of the configuration's row. */
  countMax: 10_000,
  /** Instances whose reports of one configuration are kept, and those that were lost with, or without, its release. */
  failuresMax: 1_000,
  /** Characters of a report, and of the URL of a webhook. */
  errorMax: 1_024,
  /** Addresses, apps, values or instances of one rule. */
  namedMax: 1_000,
  /** Bytes of a schema. */
  schemaBytesMax: 262_144,
  checksMax: 64,
  /** Characters of an expression. */
  expressionMax: 4_096,
  ownersMax: 32,
  /** Editors of a draft that are remembered, and approvals of a proposal. */
  peopleMax: 64,
  freezesMax: 100,
  /** Steps of the history that are kept of one configuration where the policy says nothing, and the largest number that it may say; it may also say `forever`. */
  historyMax: 100,
  historyMaxMax: 100_000,
  /** How long a configuration that was removed keeps its history, at least, in milliseconds: 30 days. */
  removedMs: 2_592_000_000,
  /** Characters of one value in a change of settings, as JSON; the rest of a longer one is left out. */
  settingShownMax: 4_096,
  /** Changes of the rules of one environment that are kept. */
  environmentStepsMax: 100,
  /** How long a proposal is kept after its end: 30 days. */
  proposalMs: 2_592_000_000,
} as const;

interface Authored {
  /** Who does it, for people. */
  readonly by?: string;
  /** From which address. */
  readonly from?: string;
  /** Why, for people. */
  readonly message?: string;
}

interface Stepping extends ConfigRef, Authored {}

/** What belongs to a configuration and not to a release. Absent: it stays as it is; empty: it is taken away. */
export interface ConfigSettings {
  readonly description?: string;
  readonly tags?: readonly string[];
  readonly visibility?: 'public' | 'private';
  readonly parents?: readonly ConfigParent[];
  readonly schema?: string;
  readonly checks?: readonly ConfigCheck[];
  /** 0: the general limit. */
  readonly bytesMax?: number;
  readonly owners?: readonly string[];
  readonly owner?: 'git' | '';
  readonly foreign?: Foreign;
}

/** Where a change of content comes from: one that a repository owns takes only changes from there. */
interface Sourced {
  readonly source?: 'git';
}

/** A content with the hashes that the service computed. */
interface Content {
  readonly content: Uint8Array;
  /** Lower-case hexadecimal, as the next one. */
  readonly md5: string;
  /** SHA-256. */
  readonly hash: string;
  readonly format?: string;
}

/** A stored content whose secrets the service has wrapped by the newest key. Its values are the same. */
export interface Rewrapped extends Omit<Content, 'format'> {
  /** SHA-256 of the content in whose place it is written; it is left out when that is another one by now. */
  readonly instead: string;
}

/** The instances that get a release in a stage with a count, as a look at all of them has found them. */
export interface Places {
  /** Number of the release, and its stage: those of another one are not meant, and the owner finds them later. */
  readonly release: number;
  readonly stage: number;
  readonly instances: readonly string[];
}

/** Publishes content, for all clients or as a rollout; false when the condition does not hold. */
export interface ConfigPublish extends Stepping, Content, Sourced {
  readonly kind: 'config-publish';
  /** The md5 of what is published now in its place must be this; empty: nothing may be. */
  readonly cas?: string;
  readonly settings?: ConfigSettings;
  /** Publishes it for some clients only; with a plan, for all of them by and by. */
  readonly rollout?: RolloutInput;
  readonly places?: Places;
  /** Of the release. */
  readonly foreign?: Foreign;
}

/** Changes settings, and creates the configuration if it is missing. */
export interface ConfigConfigure extends Stepping {
  readonly kind: 'config-configure';
  readonly settings: ConfigSettings;
}

/** Publishes the content of an older release as a new one for all clients; false when that is what they get. */
export interface ConfigRollback extends Stepping {
  readonly kind: 'config-rollback';
  /** Number of the older release. */
  readonly to: number;
  readonly rewrapped?: Rewrapped;
}

/** Removes what all clients get, or a rollout; false when there is none. */
export interface ConfigRemove extends Stepping, Sourced {
  readonly kind: 'config-remove';
  /** Name of the rollout. */
  readonly rollout?: string;
}

/** Saves a draft; false when the condition does not hold. */
export interface ConfigDraftPut extends Stepping, Content, Sourced {
  readonly kind: 'config-draft-put';
  /** Clients are to get nothing any more: content and hashes are empty. */
  readonly remove?: true;
  /** The revision of the draft must be this; 0: there may be none. */
  readonly cas?: number;
}

/** Throws the draft away; false when there is none, or the condition does not hold. */
export interface ConfigDraftDelete extends Stepping {
  readonly kind: 'config-draft-delete';
  readonly cas?: number;
}

/** Deletes a configuration that was never published, with its draft and its settings; false when there is none. */
export interface ConfigDelete extends Stepping, Sourced {
  readonly kind: 'config-delete';
}

/** Proposes the draft; false when it has another revision. */
export interface ConfigPropose extends Stepping {
  readonly kind: 'config-propose';
  /** Revision of the draft, which becomes the proposal's number. */
  readonly draft: number;
  /** What was checked, for people. */
  readonly checked: readonly string[];
  readonly notBeforeMs?: number;
  /** Absent: as the policy says now. */
  readonly rollout?: RolloutInput;
}

/** Gives the draft a new revision, so that it can be proposed again on other terms; false when it has another revision. */
export interface ConfigDraftRenew extends ConfigRef {
  readonly kind: 'config-draft-renew';
  /** Revision of the draft. */
  readonly draft: number;
}

/** Approves a proposal, or withdraws it. */
export interface ConfigReview extends Stepping {
  readonly kind: 'config-review';
  readonly number: number;
  readonly verdict: 'approve' | 'withdraw';
}

/** Publishes a proposal; false when it is not open any more. */
export interface ConfigPublishProposal extends Stepping {
  readonly kind: 'config-publish-proposal';
  readonly number: number;
  readonly places?: Places;
  readonly rewrapped?: Rewrapped;
}

/** Sets the rules of an environment; false when the condition does not hold. */
export interface ConfigEnvironmentPut extends Authored {
  readonly kind: 'config-environment-put';
  readonly namespace: string;
  readonly order: number;
  readonly policy: Policy;
  /** Its row must have this revision; 0: there may be none. */
  readonly cas?: number;
}

/** Takes them away; false when there are none. */
export interface ConfigEnvironmentDelete extends Authored {
  readonly kind: 'config-environment-delete';
  readonly namespace: string;
}

interface OfRollout extends Stepping {
  /** Name of the rollout. */
  readonly rollout: string;
}

/** An operator changes a rollout; false when there is no such rollout, or nothing to change. */
export interface ConfigRolloutControl extends OfRollout {
  readonly kind: 'config-rollout';
  readonly action: 'pause' | 'resume' | 'stop' | 'complete' | 'advance';
  /** Of the stage that begins. */
  readonly places?: Places;
}

interface OfStage extends OfRollout {
  /** Its release and its stage: another one is not meant. */
  readonly release: number;
  readonly stage: number;
}

/** Fills the places of a stage with a count; false when nothing changes. */
export interface ConfigAssign extends OfStage {
  readonly kind: 'config-assign';
  /** All instances that have the release, as a look has found them. */
  readonly places: readonly string[];
}

/** Begins the next stage if the time of this one is over; false otherwise. A look has found no alarm. */
export interface ConfigAdvance extends OfStage {
  readonly kind: 'config-advance';
  /** As in `ConfigAssign`, for the next stage, if it has a count. */
  readonly places?: readonly string[];
}

/** Ends a rollout by its alarm; false when it has none. */
export interface ConfigTrip extends OfStage {
  readonly kind: 'config-trip';
  /** What a look has counted, or what the webhook said. */
  readonly reason: string;
}

/** Instances were lost while a rollout was under way; false when that has no alarm which counts them, or they are known. */
export interface ConfigLost extends Omit<OfStage, 'stage'> {
  readonly kind: 'config-lost';
  /** Those that had the release, each as `NODE/ID`; all of them are as many as a small transaction takes. */
  readonly with: readonly string[];
  /** Those that did not have it. */
  readonly without: readonly string[];
}

/** An instance reports that it cannot use a release, or, with an empty error, that it can; false when that is of no rollout. */
export interface ConfigReport extends ConfigRef {
  readonly kind: 'config-report';
  readonly release: number;
  readonly instance: string;
  readonly error: string;
}
