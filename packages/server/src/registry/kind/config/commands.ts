/** The commands about configurations, and their limits. */

import type { Foreign } from '../../row.ts';
import type { ConfigParent, ConfigRef, RolloutRule } from './rows.ts';

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
  /** Addresses, apps, values or instances of one rule. */
  namedMax: 1_000,
  /** Steps of the history that are kept of one configuration, besides the releases that clients get. */
  historyMax: 30,
  /** How long a step of the history is kept, in milliseconds: 30 days. */
  historyMs: 2_592_000_000,
} as const;

interface Stepping extends ConfigRef {
  /** Who does it, for people. */
  readonly by?: string;
  /** From which address. */
  readonly from?: string;
  /** Why, for people. */
  readonly message?: string;
}

/** Publishes content, for all clients or as a rollout; false when the condition does not hold. */
export interface ConfigPublish extends Stepping {
  readonly kind: 'config-publish';
  readonly content: Uint8Array;
  /** Of the content; lower-case hexadecimal. */
  readonly md5: string;
  /** SHA-256 of the content; lower-case hexadecimal. */
  readonly hash: string;
  /** The md5 of what is published now in its place must be this; empty: nothing may be. */
  readonly cas?: string;
  readonly format?: string;
  /** These belong to the configuration; absent: they stay as they are. */
  readonly description?: string;
  readonly tags?: readonly string[];
  readonly visibility?: 'public' | 'private';
  readonly parents?: readonly ConfigParent[];
  readonly configForeign?: Foreign;
  /** Publishes it for some clients only. */
  readonly rollout?: { readonly name: string; readonly rule?: RolloutRule; readonly priority: number };
  /** Of the release. */
  readonly foreign?: Foreign;
}

/** Publishes the content of an older release as a new one for all clients; false when that is what they get. */
export interface ConfigRollback extends Stepping {
  readonly kind: 'config-rollback';
  /** Number of the older release. */
  readonly to: number;
}

/** Removes what all clients get, or a rollout; false when there is none. */
export interface ConfigRemove extends Stepping {
  readonly kind: 'config-remove';
  /** Name of the rollout. */
  readonly rollout?: string;
}
