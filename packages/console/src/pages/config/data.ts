/** What the pages of configurations ask the server for, as its JSON API answers (`GET /rollcall/v1/openapi.json`). */

export interface Ref {
  readonly environment: string;
  readonly app: string;
  readonly cluster: string;
  readonly name: string;
}

export interface Stage {
  readonly percent?: number;
  readonly count?: number;
  readonly bakeMs: number;
}

export interface Alarm {
  readonly on: readonly ('unhealthy' | 'error')[];
  readonly share: number;
  readonly atLeast?: number;
  readonly webhook?: string;
}

export interface Plan {
  readonly stages: readonly Stage[];
  readonly alarm?: Alarm;
  readonly service?: string;
}

export interface Staged extends Plan {
  readonly stage: number;
  readonly state: 'running' | 'paused';
  readonly sinceMs: number;
  readonly spentMs: number;
  readonly assigned?: readonly string[];
}

export interface Rule {
  readonly kind: 'app' | 'address' | 'label' | 'instance' | 'expression';
  readonly apps?: readonly string[];
  readonly addresses?: readonly string[];
  readonly label?: string;
  readonly values?: readonly string[];
  readonly instances?: readonly string[];
  readonly expression?: string;
}

export interface Rollout {
  readonly name: string;
  readonly release: number;
  readonly rule?: Rule;
  readonly priority: number;
  readonly staged?: Staged;
}

export interface Settings {
  readonly description?: string;
  readonly tags?: readonly string[];
  readonly visibility?: 'public' | 'private';
  readonly parents?: readonly { readonly app: string; readonly name: string }[];
  readonly schema?: string;
  readonly checks?: readonly { readonly expect: string; readonly message?: string }[];
  readonly bytesMax?: number;
  readonly owners?: readonly string[];
  readonly owner?: 'git' | '';
}

export interface DraftHead {
  readonly revision: number;
  readonly remove?: boolean;
  /** The release that was current when it was saved. */
  readonly base: number;
  readonly editors: readonly string[];
  readonly atMs: number;
}

export interface Draft extends DraftHead, Ref {
  readonly content: string;
  readonly md5: string;
  readonly format?: string;
}

export interface Row extends Ref, Settings {
  /** 0: clients get nothing. */
  readonly release: number;
  readonly last: number;
  readonly revision: number;
  readonly md5: string;
  readonly bytes: number;
  readonly format?: string;
  readonly rollouts?: readonly Rollout[];
  readonly createdMs: number;
  readonly changedMs: number;
  readonly draft?: DraftHead;
}

export interface Step {
  readonly number: number;
  readonly step: string;
  readonly parent: number;
  readonly md5: string;
  readonly hash: string;
  readonly format?: string;
  readonly rollout?: string;
  readonly of?: number;
  readonly changes?: readonly { readonly setting: string; readonly before?: unknown; readonly after?: unknown }[];
  readonly atMs: number;
  readonly by?: string;
  readonly message?: string;
}

export interface Release extends Step {
  readonly content: string;
}

export interface One extends Omit<Row, 'draft'> {
  readonly draft?: Draft;
  readonly current?: Release;
}

export interface Proposal extends Ref {
  readonly number: number;
  readonly state: 'open' | 'published' | 'void' | 'withdrawn';
  readonly remove?: boolean;
  readonly base: number;
  readonly release?: number;
  readonly message?: string;
  readonly editors: readonly string[];
  readonly by?: string;
  readonly atMs: number;
  readonly approvals: readonly { readonly by: string; readonly atMs: number; readonly message?: string }[];
  /** Approvals that it still needs. */
  readonly missing: number;
  readonly checks: readonly string[];
  readonly notBeforeMs?: number;
  /** How it is published; absent: to all clients at once. */
  readonly rollout?: RolloutInput;
  /** The release that clients of the rollout had when it was proposed. */
  readonly replaces?: number;
  /** It is published as the policy of that time says. */
  readonly byPolicy?: boolean;
}

export interface RolloutInput {
  readonly name: string;
  readonly rule?: Rule;
  readonly priority?: number;
  readonly plan?: Plan;
}

/** Who can approve; without tokens only the caller's own question is answered. */
export interface Approvers {
  readonly approvals: number;
  readonly fourEyes: boolean;
  readonly accessControl: boolean;
  readonly tokens?: readonly string[];
  readonly more?: number;
  readonly unnamed?: number;
  readonly roles?: readonly string[];
  readonly partial?: boolean;
}

export interface Policy {
  readonly approvals?: number;
  readonly fourEyes?: boolean;
  readonly freezes?: readonly { readonly fromMs: number; readonly toMs: number; readonly why: string }[];
  readonly schemaRequired?: boolean;
  readonly webhook?: string;
  readonly rollout?: Plan;
  readonly historyMax?: number;
  readonly historyMs?: number;
}

export interface Environment {
  readonly environment: string;
  readonly order: number;
  readonly policy: Policy;
  /** 0: it has no rules. */
  readonly revision: number;
}

export interface Fault {
  readonly kind: string;
  readonly message: string;
  readonly line?: number;
  readonly column?: number;
  readonly path?: string;
}

export interface Verdict {
  readonly faults: readonly Fault[];
  readonly checks: readonly string[];
  readonly refusals: readonly { readonly reason: 'webhook' | 'loss'; readonly message: string }[];
}

export interface Reader {
  readonly instance: string;
  readonly address: string;
  /** That it gets; 0: nothing. */
  readonly release: number;
  readonly rollout?: string;
  /** That its program uses, as it says. */
  readonly applied?: number;
  readonly unhealthy?: boolean;
  readonly error?: string;
  readonly reader?: { readonly client: string; readonly node: string; readonly via: string };
}

/** How all that get one release are. */
export interface ReleaseCounts {
  readonly release: number;
  readonly readers: number;
  /** Of the readers: live instances of the service. */
  readonly instances: number;
  readonly applied: number;
  readonly unhealthy: number;
  readonly errors: number;
  /** Instances that are unhealthy, report an error, or both. */
  readonly faulty: number;
}

export interface Who {
  /** Some of them, those with a fault first. */
  readonly readers: readonly Reader[];
  /** Of all, the newest release first. */
  readonly releases: readonly ReleaseCounts[];
  /** Connected clients. */
  readonly count: number;
  readonly missing: readonly string[];
}

export interface Layer extends Ref {
  readonly release: number;
  readonly format?: string;
  readonly content: string;
}

export interface Resolved {
  readonly layers: readonly Layer[];
  readonly merged: { readonly format?: string; readonly content: string; readonly values?: readonly { readonly key: string; readonly value: string; readonly from: string }[] };
}

export const root = '/rollcall/v1/config';
export const defaultCluster = 'default';

/** A path of the API with the configuration that it is about. */
export function pathOf(path: string, { environment, app, cluster, name }: Ref, more: Readonly<Record<string, string>> = {}): string {
  return `${root}${path}?${new URLSearchParams({ environment, app, cluster, name, ...more })}`;
}

/** How people write it. */
export function titleOf({ app, name, cluster }: Pick<Ref, 'app' | 'name' | 'cluster'>): string {
  return `${app}/${name}${cluster === defaultCluster ? '' : ` @${cluster}`}`;
}

export function isSame(a: Ref, b: Ref): boolean {
  return a.environment === b.environment && a.app === b.app && a.name === b.name && a.cluster === b.cluster;
}
