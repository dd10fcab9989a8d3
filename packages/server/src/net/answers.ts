/**
 * Encoded answers: the bytes of a view at one revision in one representation, encoded once and
 * sent to everyone who asks or watches.
 *
 * Bounded by bytes; the view that was encoded longest ago goes first. Whatever an answer depends on must
 * be part of the view's revision or of the representation's name.
 */

/** A body for whoever asks for the same again; it is taken out when its view has a newer revision, or for want of room. */
export interface Kept {
  readonly body: Buffer | undefined;
}

interface Held {
  readonly revision: number;
  readonly bodies: Map<string, { body: Buffer | undefined }>;
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
   * The body for `representation` of `view` at `revision`; `encode` makes it when it is not held.
   * @param representation names everything besides the view that shapes the bytes, protocol first:
   *   `consul health passing`
   */
  get(view: string, revision: number, representation: string, encode: () => Buffer): Buffer {
    let held = this.#held.get(view);
    const found = held?.revision === revision ? held.bodies.get(representation)?.body : undefined;
    if (held !== undefined && found !== undefined) return found;
    // First of all: one that fails must leave nothing behind.
    const body = encode();
    if (held === undefined || held.revision !== revision || held.bodies.size >= representationsMax) {
      this.#drop(view);
      held = { revision, bodies: new Map(), bytes: 0 };
      this.#held.set(view, held);
    }
    held.bodies.set(representation, { body });
    held.bytes += body.length + overheadBytes;
    this.#bytes += body.length + overheadBytes;
    this.#evict();
    return body;
  }

  /** What `get` has last kept of this; undefined when there was no room for it. */
  kept(view: string, representation: string): Kept | undefined {
    return this.#held.get(view)?.bodies.get(representation);
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
    // Whoever remembers where it was kept must not keep it.
    for (const kept of held.bodies.values()) kept.body = undefined;
  }
}
