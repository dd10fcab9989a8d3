/** The basis of a verdict on an expired deadline (docs/decisions/0039, 0071). */

/** The member that passed a verdict, on a store that several nodes share. */
export interface Judge {
  readonly nodeId: string;
  /** Epoch of its membership: verdicts of an earlier epoch do not count. */
  readonly epoch: number;
}

/**
 * The record that a verdict on an expired deadline judged: its key and its revision. If it has changed since, the verdict does
 * nothing.
 */
export interface Judged {
  readonly key: string;
  readonly revision: number;
  /** If it is no member any more, or does not own the deadline, the verdict does nothing. Absent where one node has the store. */
  readonly by?: Judge;
}
