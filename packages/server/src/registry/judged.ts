/** What a verdict on an expired deadline says of its own basis (docs/decisions/0039, 0071). */

/** The member that passed a verdict, on a store that several nodes share. */
export interface Judge {
  readonly nodeId: string;
  /** Of its membership: what an earlier life of a node has judged does not count. */
  readonly epoch: number;
}

/**
 * What a verdict on an expired deadline was about: a record, by its key, at a revision. If it has changed since, something newer
 * was said, and the verdict does nothing.
 */
export interface Judged {
  readonly key: string;
  readonly revision: number;
  /** If it is no member any more, or does not own the deadline, the verdict does nothing. Absent where one node has the store. */
  readonly by?: Judge;
}
