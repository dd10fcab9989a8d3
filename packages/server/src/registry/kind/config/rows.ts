/**
 * The rows of configurations. A release is written once and never changes; the row of the configuration says which release is
 * current, and which ones are given to some clients only.
 *
 *   config  app/name ── release ────────► config-release 7   given to all clients
 *                    ├─ rollouts[0] ────► config-release 8   given to the clients that its rule and its stage name
 *                    └─ (history) ──────► config-release 1 … 6, and what was removed
 */

import type { Foreign, Revisions } from '../../row.ts';

/** What names a configuration. `app`, `cluster` and `name` contain no control characters. */
export interface ConfigRef {
  /** The environment. */
  readonly namespace: string;
  /** The application that it belongs to; a service of the same name has the application's instances. */
  readonly app: string;
  /** Instances of this cluster or datacentre get it before the one of the cluster `default`. */
  readonly cluster: string;
  readonly name: string;
}

export interface ConfigRow extends Revisions, ConfigRef {
  readonly kind: 'config';
  /** Number of the current release; 0: none, since it was removed, or has only rollouts. */
  readonly release: number;
  /** Number of the newest step of the history: the next one gets the number after it. */
  readonly last: number;
  /** No content was ever published: its history has changes of settings only. */
  readonly unpublished?: true;
  /** Of the current release's content, as the publisher computed it; empty when there is none. */
  readonly md5: string;
  /** Bytes of the current release's content. */
  readonly bytes: number;
  /** Format of the content: `yaml`, `json`, `text` …; readers parse by it. */
  readonly format?: string;
  /** Configurations of other apps may name it as a parent; only its own app reads it when absent. */
  readonly visibility?: 'public';
  /** Configurations below it, the first before the others: of its own app, or public. */
  readonly parents?: readonly ConfigParent[];
  /** A JSON Schema as text, which new content must satisfy. */
  readonly schema?: string;
  /** Expressions over the keys of new content, which must hold. */
  readonly checks?: readonly ConfigCheck[];
  /** Longest content, in bytes; the general limit when absent. */
  readonly bytesMax?: number;
  /** Who is asked about it, for people. */
  readonly owners?: readonly string[];
  /** It comes from a repository: only commands that say so change its content. */
  readonly owner?: 'git';
  readonly description?: string;
  readonly tags?: readonly string[];
  /** Releases for some clients, the first whose rule names the client first. */
  readonly rollouts?: readonly Rollout[];
  readonly foreign?: Foreign;
  /** When it was first published, in milliseconds since the Unix epoch. */
  readonly createdMs: number;
  /** When it was last published or removed. */
  readonly changedMs: number;
}

export interface ConfigParent {
  readonly app: string;
  readonly name: string;
}

/** A condition for several keys together. */
export interface ConfigCheck {
  /** In the filter language, over `keys`. */
  readonly expect: string;
  /** For the publisher when it does not hold. */
  readonly message?: string;
}

/** A release that some clients get. */
export interface Rollout {
  /** Unique within the configuration. */
  readonly name: string;
  /** Its number. */
  readonly release: number;
  readonly md5: string;
  /** Only clients that it names get the release; all clients when absent. */
  readonly rule?: RolloutRule;
  /** When several rollouts name a client, the highest wins. */
  readonly priority: number;
  /** How it reaches all clients by and by; absent: it stays as it is until it is removed. */
  readonly staged?: Staged;
}

/** A rollout that is asked for: who gets the release, and how it reaches all clients by and by. */
export interface RolloutInput {
  readonly name: string;
  readonly rule?: RolloutRule;
  readonly priority: number;
  readonly plan?: RolloutPlan;
}

/** The plan of a rollout that goes forward by itself. */
export interface RolloutPlan {
  /** At least one. After the last one all clients get the release. */
  readonly stages: readonly Stage[];
  readonly alarm?: Alarm;
  /** The service that has the instances; the app when absent. */
  readonly service?: string;
}

/** Which of the clients that the rule names get the release, and for how long before the next stage. */
export type Stage =
  /** This share of them, 0 to 100, with up to three decimals. */
  | { readonly percent: number; readonly bakeMs: number }
  /** This many of the live instances. */
  | { readonly count: number; readonly bakeMs: number };

/** When the rollout is taken back. */
export interface Alarm {
  /** What counts: instances that are critical, or that report an error of the release. */
  readonly on: readonly ('unhealthy' | 'error')[];
  /** How much larger the share of them must be among the instances with the release than among the others: above 0, up to 1. */
  readonly share: number;
  /** How many of them there must be at least; 1 when absent. */
  readonly atLeast?: number;
  /** It is asked, too: the URL of a service of the operator. */
  readonly webhook?: string;
}

/** Where a plan is. */
export interface Staged extends RolloutPlan {
  /** Of the present stage, from 0. */
  readonly stage: number;
  readonly state: 'running' | 'paused';
  /** When the stage began, or went on after a pause, in milliseconds since the Unix epoch. */
  readonly sinceMs: number;
  /** How much of the stage's time had passed before that. */
  readonly spentMs: number;
  /** The instances that have the release in a stage with a count, each as `NODE/ID`. */
  readonly assigned?: readonly string[];
}

/** Which clients a rollout is for. */
export type RolloutRule =
  /** Clients of these apps. */
  | { readonly kind: 'app'; readonly apps: readonly string[] }
  /** Clients at these addresses, or in these networks (CIDR). */
  | { readonly kind: 'address'; readonly addresses: readonly string[] }
  /** Clients whose label has one of these values. */
  | { readonly kind: 'label'; readonly label: string; readonly values: readonly string[] }
  /** These instances, each written `NODE/ID`, or `ID` for those of any node. */
  | { readonly kind: 'instance'; readonly instances: readonly string[] }
  /** Clients for which an expression of the filter language holds, over `app`, `address`, `instance` and `labels`. */
  | { readonly kind: 'expression'; readonly expression: string };

/** What happened in a step of the history. */
export type Step =
  /** New content, for all clients or as a rollout. */
  | 'publish'
  /** The content of an older release, as a new one. */
  | 'rollback'
  /** All clients get nothing any more, or a rollout was withdrawn. */
  | 'remove'
  /** The next stage of a rollout began. */
  | 'rollout-advance'
  | 'rollout-pause'
  | 'rollout-resume'
  /** An operator has ended a rollout: its clients get what all others get. */
  | 'rollout-stop'
  /** All clients get the release of a rollout. */
  | 'rollout-complete'
  /** The alarm of a rollout has ended it. */
  | 'auto-rollback'
  /** What belongs to the configuration and to none of its releases was changed. */
  | 'settings';

/** One setting in a step of the history. Long values are cut. */
export interface SettingChange {
  readonly setting: string;
  /** Absent: it had no value. */
  readonly before?: unknown;
  /** Absent: it was taken away. */
  readonly after?: unknown;
}

/** A step of the history: a release with its content, or something that happened to one. */
export interface ReleaseRow extends Revisions, ConfigRef {
  readonly kind: 'config-release';
  /** 1 for the first step of a configuration, and so on. */
  readonly number: number;
  readonly step: Step;
  /** Number of the release that this step replaced, removed, or is about; 0: none. */
  readonly parent: number;
  /** Empty for a step that is neither a publication nor a rollback. */
  readonly content: Uint8Array;
  readonly md5: string;
  /** SHA-256 of the content, in hexadecimal; empty for a removal, and for what an older Rollcall published. */
  readonly hash: string;
  readonly format?: string;
  /** Name of the rollout that the step is about; absent for a release for all clients. */
  readonly rollout?: string;
  /** Of a rollback: the release whose content it has. */
  readonly of?: number;
  /** Settings that changed with it. */
  readonly changes?: readonly SettingChange[];
  /** When it happened, in milliseconds since the Unix epoch. */
  readonly atMs: number;
  /** Who did it, for people. */
  readonly by?: string;
  /** From which address. */
  readonly from?: string;
  /** Why, in the words of the author or of the part of the server that did it. */
  readonly message?: string;
  readonly foreign?: Foreign;
}

/** The rules of an environment, which is a namespace. A namespace without the row has none of them. */
export interface EnvironmentRow extends Revisions {
  readonly kind: 'config-environment';
  readonly namespace: string;
  /** Its place in lists: `development` before `production`. */
  readonly order: number;
  readonly policy: Policy;
}

/** A change of the rules of an environment. The newest ones are kept. */
export interface EnvironmentStepRow extends Revisions {
  readonly kind: 'config-environment-step';
  readonly namespace: string;
  /** 1 for the first one that is kept, and so on; the next one has the number after the newest. */
  readonly number: number;
  /** Absent: it had no rules. */
  readonly before?: EnvironmentRules;
  /** Absent: they were taken away. */
  readonly after?: EnvironmentRules;
  readonly atMs: number;
  readonly by?: string;
  readonly from?: string;
  readonly message?: string;
}

export interface EnvironmentRules {
  readonly order: number;
  readonly policy: Policy;
}

/** What an environment asks of each publication. Everything is optional. */
export interface Policy {
  /** Approvals that a proposal needs; content is published by proposals only if it is above 0. */
  readonly approvals?: number;
  /** Approvals of the editors of a proposal do not count. */
  readonly fourEyes?: boolean;
  /** Times in which nothing is published. */
  readonly freezes?: readonly Freeze[];
  /** Content with a format that has one needs a schema. */
  readonly schemaRequired?: boolean;
  /** URL of a program of the operator that must agree to each content before it is published or proposed. */
  readonly webhook?: string;
  /** How each release reaches all clients if it says nothing of its own, once the configuration has a release. */
  readonly rollout?: RolloutPlan;
  /** Steps of the history that are kept of a configuration, besides the releases that clients get; `forever`: all. */
  readonly historyMax?: number | 'forever';
  /** How long a step is kept, in milliseconds; no limit when absent. */
  readonly historyMs?: number;
}

export interface Freeze {
  /** Both in milliseconds since the Unix epoch; the end does not belong to it. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly why: string;
}

/** What an editor prepares and does not publish: content, or the removal of what clients get. A configuration has one at most. */
export interface DraftRow extends Revisions, ConfigRef {
  readonly kind: 'config-draft';
  /** Clients are to get nothing any more; its content is empty. */
  readonly remove?: true;
  readonly content: Uint8Array;
  readonly md5: string;
  readonly hash: string;
  readonly format?: string;
  /** Number of the release that was current when it was saved; 0: none. */
  readonly base: number;
  /** Who has edited it since it was begun. */
  readonly editors: readonly string[];
  /** When it was last saved, in milliseconds since the Unix epoch. */
  readonly atMs: number;
  /** The revision that it had before it was proposed again, on other terms; absent: it was not. */
  readonly earlier?: number;
}

/** A draft that its author asks to be published, and how. It is void when the draft changes, or when the author proposes it on other terms. */
export interface ProposalRow extends Revisions, ConfigRef {
  readonly kind: 'config-proposal';
  /** The revision of the draft that it proposes. */
  readonly number: number;
  /** As in the draft. */
  readonly remove?: true;
  /** Empty once it is not open any more. */
  readonly content: Uint8Array;
  readonly md5: string;
  readonly hash: string;
  readonly format?: string;
  /** As in the draft: it must be current still when the proposal is published. */
  readonly base: number;
  readonly state: 'open' | 'published' | 'void' | 'withdrawn';
  /** The release that came of it. */
  readonly release?: number;
  readonly message?: string;
  /** Who edited the draft, and who proposed it. */
  readonly editors: readonly string[];
  readonly by?: string;
  readonly atMs: number;
  readonly approvals: readonly Approval[];
  /** What was checked before it was proposed, for people. */
  readonly checks: readonly string[];
  /** How it is published; absent: to all clients at once. */
  readonly rollout?: RolloutInput;
  /** The release which the rollout of that name had when it was proposed, and must have still when it is published; absent: there was none. */
  readonly replaces?: number;
  /** An older Rollcall wrote it without a rollout: it is published as the policy of that time says. */
  readonly byPolicy?: true;
  /** It is published then, by the server, if it is approved: milliseconds since the Unix epoch. */
  readonly notBeforeMs?: number;
}

export interface Approval {
  readonly by: string;
  readonly atMs: number;
  /** What the approver says about it. */
  readonly message?: string;
}

/** What went wrong in an instance: it reports that it cannot use a release, or it was lost. Kept while the release is that of a rollout. */
export interface FailureRow extends Revisions, ConfigRef {
  readonly kind: 'config-failure';
  readonly release: number;
  /** As `NODE/ID`. */
  readonly instance: string;
  /** It was lost while it had the release, or while it did not; absent: it reports an error. */
  readonly lost?: 'with' | 'without';
  /** For people. */
  readonly error: string;
  readonly atMs: number;
}
