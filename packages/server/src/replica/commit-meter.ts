/** What a replica measures of its commits. It says nothing of how the figures are shown. */

/** The metrics that the replica records. Seconds. */
export interface CommitMeter {
  readonly commitSeconds: { observe(seconds: number): void };
  readonly applyLagSeconds: { observe(seconds: number): void };
  readonly commands: { inc(count: number): void };
  /** Transactions that lost a race against another writer. */
  readonly commitConflicts: { inc(): void };
}
