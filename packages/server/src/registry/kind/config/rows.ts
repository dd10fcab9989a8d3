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
  | { readonly kind: 'instance'; readonly instances: readonly string[] };

/** What happened in a step of the history. */
export type Step =
  /** New content, for all clients or as a rollout. */
  | 'publish'
  /** The content of an older release, as a new one. */
  | 'rollback'
  /** All clients get nothing any more, or a rollout was withdrawn. */
  | 'remove';

/** A step of the history: a release with its content, or a removal. */
export interface ReleaseRow extends Revisions, ConfigRef {
  readonly kind: 'config-release';
  /** 1 for the first step of a configuration, and so on. */
  readonly number: number;
  readonly step: Step;
  /** Number of the release that this step replaced or removed; 0: none. */
  readonly parent: number;
  /** Empty for a removal. */
  readonly content: Uint8Array;
  readonly md5: string;
  /** SHA-256 of the content, in hexadecimal; empty for a removal, and for what an older Rollcall published. */
  readonly hash: string;
  readonly format?: string;
  /** Name of the rollout that the step is about; absent for a release for all clients. */
  readonly rollout?: string;
  /** Of a rollback: the release whose content it has. */
  readonly of?: number;
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
