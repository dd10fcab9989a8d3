/**
 * The rows of configurations. A release is written once and never changes; the row of the configuration says which release is
 * current, and which ones are given to some clients only.
 *
 *   config  group/id ── release ──────► config-release 7   given to all clients
 *                    ├─ gray[0] ──────► config-release 8   given to the clients that its rule names
 *                    └ (history) ─────► config-release 1 … 6, and what was removed
 */

import type { Foreign, Revisions } from '../../row.ts';

export interface ConfigRow extends Revisions {
  readonly kind: 'config';
  readonly namespace: string;
  readonly group: string;
  readonly id: string;
  /** Number of the current release; 0: none, since it was removed, or has only gray releases. */
  readonly release: number;
  /** Number of the newest release, steps of removal included: the next one gets the number after it. */
  readonly last: number;
  /** Of the current release's content, as the publisher computed it; empty when there is none. */
  readonly md5: string;
  /** Bytes of the current release's content. */
  readonly bytes: number;
  /** Format of the content: `yaml`, `json`, `text` …; readers parse by it. */
  readonly type?: string;
  readonly app?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  /** Releases for some clients, the first whose rule names the client first. */
  readonly gray?: readonly GrayRelease[];
  /** When it was first published, in milliseconds since the Unix epoch. */
  readonly createdMs: number;
  /** When it was last published or removed. */
  readonly changedMs: number;
}

export interface GrayRelease {
  /** Unique within the configuration. */
  readonly name: string;
  /** Its number. */
  readonly release: number;
  readonly md5: string;
  readonly rule: GrayRule;
  /** When several rules name a client, the highest wins. */
  readonly priority: number;
}

/** Which clients get a gray release. */
export type GrayRule =
  | { readonly kind: 'ip'; readonly addresses: readonly string[] }
  /** Clients that send this tag. */
  | { readonly kind: 'tag'; readonly tag: string };

/** A step of the history: a release with its content, or a removal. */
export interface ReleaseRow extends Revisions {
  readonly kind: 'config-release';
  readonly namespace: string;
  readonly group: string;
  readonly id: string;
  /** 1 for the first step of a configuration, and so on. */
  readonly number: number;
  readonly step: 'publish' | 'remove';
  /** Number of the release that this step replaced or removed; 0: none. */
  readonly replaced: number;
  /** Empty for a removal. */
  readonly content: Uint8Array;
  readonly md5: string;
  readonly type?: string;
  /** Name of the gray release that it is; absent for a release for all clients. */
  readonly gray?: string;
  /** When it happened, in milliseconds since the Unix epoch. */
  readonly atMs: number;
  /** Who did it, for people. */
  readonly by?: string;
  /** From which address. */
  readonly from?: string;
  readonly foreign?: Foreign;
}
