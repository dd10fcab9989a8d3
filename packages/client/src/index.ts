/** Client of Rollcall. */
export type { SnapshotSource, SourcedSnapshot } from './snapshot-source.ts';
