/** What a verdict on an expired deadline says of its own basis (docs/decisions/0039). */

/**
 * What a verdict on an expired deadline was about: a record, by its key, at a revision. If it has changed since, something newer
 * was said, and the verdict does nothing.
 */
export interface Judged {
  readonly key: string;
  readonly revision: number;
}
