/** The commands about configurations, and their limits. */

import type { Foreign } from '../../row.ts';
import type { GrayRule } from './rows.ts';

/** Limits of a configuration. */
export const configLimits = {
  /** Longest content, in bytes: with its rows it fits into one transaction of etcd (1.5 MiB). */
  contentBytesMax: 1_048_576,
  groupMax: 128,
  idMax: 256,
  /** Characters of the type, the app, one tag, who published. */
  wordMax: 128,
  descriptionMax: 2_048,
  tagsMax: 64,
  grayMax: 10,
  /** Addresses of one rule. */
  addressesMax: 1_000,
  /** Steps of the history that are kept of one configuration, besides the releases that clients get. */
  historyMax: 30,
  /** How long a step of the history is kept, in milliseconds: 30 days. */
  historyMs: 2_592_000_000,
} as const;

interface Step {
  readonly namespace: string;
  readonly group: string;
  readonly id: string;
  /** Who does it, for people. */
  readonly by?: string;
  /** From which address. */
  readonly from?: string;
}

/** Publishes content, for all clients or as a gray release; false when the condition does not hold. */
export interface ConfigPublish extends Step {
  readonly kind: 'config-publish';
  readonly content: Uint8Array;
  /** Of the content; lower-case hexadecimal. */
  readonly md5: string;
  /** The md5 of what is published now in its place must be this; empty: nothing may be. */
  readonly cas?: string;
  readonly type?: string;
  /** These three belong to the configuration; absent: they stay as they are. */
  readonly app?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  /** Publishes it for some clients only. */
  readonly gray?: { readonly name: string; readonly rule: GrayRule; readonly priority: number };
  readonly foreign?: Foreign;
}

/** Removes what all clients get, or a gray release; false when there is none. */
export interface ConfigRemove extends Step {
  readonly kind: 'config-remove';
  /** Name of the gray release. */
  readonly gray?: string;
}
