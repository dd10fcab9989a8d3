/**
 * The `ETag` of an answer: it changes when one of the views that the answer shows does, or the rights of the caller, so that a page which asks every
 * second gets an answer only when there is something new.
 */

import type { Views } from '../registry/views.ts';
import type { Authorizer } from '../security/authorizer.ts';

export class ViewTags {
  readonly #views: Pick<Views, 'revision'>;
  /** Numbers of callers mean nothing to another process. */
  readonly #process: string;
  readonly #callers = new WeakMap<Authorizer, number>();
  #callerCount = 0;

  constructor(views: Pick<Views, 'revision'>, processId: string) {
    this.#views = views;
    this.#process = processId;
  }

  /** Read it before the answer is made, which is then never older than its tag. O(views) */
  tagOf(caller: Authorizer, views: Iterable<string>): string {
    let number = this.#callers.get(caller);
    if (number === undefined) this.#callers.set(caller, (number = ++this.#callerCount));
    let newest = 0;
    // A change has a higher revision than all before it, so the newest one tells whether any of the views has changed.
    for (const view of views) newest = Math.max(newest, this.#views.revision(view));
    return `"${this.#process}-${number}-${newest}"`;
  }
}
