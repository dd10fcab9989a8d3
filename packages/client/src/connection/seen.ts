/**
 * The newest revision that this client has read, with the registry that it is of. The next hello names it, so that a node which is
 * behind catches up before the client reads from it.
 */

import type { ReplyFrame, SeenRevision, WelcomeFrame } from '@rollcall/protocol';

export class Seen {
  #seen: SeenRevision | undefined;

  /** For the hello; undefined when nothing was read. */
  get revision(): SeenRevision | undefined {
    return this.#seen;
  }

  greeted({ registry }: WelcomeFrame): void {
    if (this.#seen?.registry !== registry) this.#seen = undefined;
    this.#seen ??= { registry, revision: 0 };
  }

  /** Takes note of a frame that came after the welcome. */
  read(frame: ReplyFrame): void {
    if (this.#seen === undefined) return;
    const { registry, revision } = this.#seen;
    const newest = revisionIn(frame);
    if (newest > revision) this.#seen = { registry, revision: newest };
  }
}

function revisionIn(frame: ReplyFrame): number {
  switch (frame.type) {
    case 'snapshot':
    case 'delta':
      return frame.revision;
    case 'done':
      return frame.revision ?? 0;
    case 'watching':
      return Math.max(0, ...frame.revisions);
    default:
      return 0;
  }
}
