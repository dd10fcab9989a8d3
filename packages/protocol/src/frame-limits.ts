/** Limits of the frames of the native stream, for both ends. */

export const frameLimits = {
  /** Largest frame of a client, in bytes; a registry may be configured to accept more. */
  frameBytesMax: 1_048_576,
  /** Names of services, instances, nodes, checks, clients; in UTF-16 code units. */
  nameMax: 255,
  /** A KV key or prefix, in UTF-16 code units; the registry's limit in bytes is 1,800 with its own prefix. */
  keyMax: 1_700,
  tagsMax: 512,
  /** Long, since proxies keep whole header policies in tags. */
  tagMax: 65_536,
  metaMax: 64,
  metaKeyMax: 128,
  metaValueMax: 512,
  checksMax: 16,
  portsMax: 16,
  textMax: 4_096,
  /** Name of a lock. */
  lockNameMax: 255,
  /** What a contender says of itself. */
  lockValueMax: 1_024,
  /** Holders of a lock at once. */
  lockHoldersMax: 10_000,
  /** Characters of a reason for the audit log. */
  reasonMax: 500,
  /** Operations of one `txn`, and grants that it expects. */
  txnMax: 64,
  /** Characters of the releases that a client of a configuration holds, and of an error that it reports. */
  releasesMax: 32_768,
  reportedErrorMax: 1_000,
  /** Views in one `watch` or `unwatch`, instances in one `register`, `deregister` or `drain`. */
  listMax: 1_000,
  /** Largest snapshot of one view, in bytes; more than this cannot be watched or read at once. */
  snapshotBytesMax: 33_554_432,
} as const;
