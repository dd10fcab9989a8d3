/**
 * Encoded answers: the bytes of a view at one revision in one representation, encoded once and
 * sent to everyone who asks or watches.
 *
 * Bounded by bytes; the view that was encoded longest ago goes first. Whatever an answer depends on must
 * be part of the view's revision or of the representation's name.
 */

/** Encoded bytes; a large body is many buffers, since one of a hundred megabytes could not be made in a slice. */
export class Body {
  readonly buffers: readonly Buffer[];
  readonly bytes: number;

  constructor(buffers: readonly Buffer[]) {
    this.buffers = buffers;
    this.bytes = buffers.reduce((sum, { length }) => sum + length, 0);
  }
}

/** A body for a client that asks for the same again; it is taken out when its view has a newer revision, or for want of room. */
export interface Kept {
  readonly body: Body | undefined;
}

interface Held {
  readonly revision: number;
  readonly bodies: Map<string, { body: Body | undefined }>;
  bytes: number;
}

/** What one kept body costs besides its bytes. */
const overheadBytes = 200;

/** Representations kept of one view: filters and tags come from clients, so there is no end of them. */
const representationsMax = 64;

export class Answers {
  readonly #held = new Map<string, Held>();
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * The body for `representation` of `view` at `revision`, if it is kept.
   * @param representation names everything besides the view that shapes the bytes, protocol first:
   *   `consul health passing`
   */
  find(view: string, revision: number, representation: string): Body | undefined {
    const held = this.#held.get(view);
    return held?.revision === revision ? held.bodies.get(representation)?.body : undefined;
  }

  /** Keeps a body; those of the view's older revisions go. One of an older revision than is kept is not kept. */
  keep(view: string, revision: number, representation: string, body: Body): void {
    let held = this.#held.get(view);
    if (held !== undefined && held.revision > revision) return;
    const cost = body.bytes + overheadBytes;
    // It would drive everything else out, and then go itself.
    if (cost > this.#bytesMax) return;
    if (held === undefined || held.revision !== revision || held.bodies.size >= representationsMax) {
      this.#drop(view);
      held = { revision, bodies: new Map(), bytes: 0 };
      this.#held.set(view, held);
    }
    const before = held.bodies.get(representation);
    if (before?.body !== undefined) this.#count(held, -before.body.bytes - overheadBytes);
    if (before !== undefined) before.body = undefined;
    held.bodies.set(representation, { body });
    this.#count(held, cost);
    this.#evict();
  }

  /** What is kept of this now; undefined when there was no room for it. */
  kept(view: string, representation: string): Kept | undefined {
    return this.#held.get(view)?.bodies.get(representation);
  }

  #count(held: Held, bytes: number): void {
    held.bytes += bytes;
    this.#bytes += bytes;
  }

  #evict(): void {
    for (const view of this.#held.keys()) {
      if (this.#bytes <= this.#bytesMax) return;
      this.#drop(view);
    }
  }

  #drop(view: string): void {
    const held = this.#held.get(view);
    if (held === undefined) return;
    this.#held.delete(view);
    this.#bytes -= held.bytes;
    // A plan that remembers where it was kept must not keep it.
    for (const kept of held.bodies.values()) kept.body = undefined;
  }
}
