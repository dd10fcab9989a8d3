/**
 * Keeps encoded answers: a view at one revision in one representation is encoded once and sent to all clients that
 * ask for it or watch it.
 *
 * Its size in bytes is bounded; the view that was not used longest is dropped first. Everything that an answer depends on must be
 * part of the view's revision or of the representation's name.
 */

import { LRUCache } from 'lru-cache';

/**
 * Node joins the head of an answer and a body that is text of the same encoding into one string. A body of bytes stays apart, and
 * both go out by `writev`, which costs 0.7 µs more. Copying more bytes than this into the string costs as much.
 */
export const textBytesMax = 4_096;

/** Encoded bytes. A large body has many buffers: one buffer of a hundred megabytes could not be made in a slice. */
export class Body {
  readonly buffers: readonly Buffer[];
  readonly bytes: number;
  #text: string | undefined;

  constructor(buffers: readonly Buffer[]) {
    this.buffers = buffers;
    this.bytes = buffers.reduce((sum, { length }) => sum + length, 0);
  }

  /**
   * The bytes of a body of one buffer, at most `textBytesMax`, as text of Latin-1, which has a character for each byte. It is kept,
   * since making it costs as much as the rest of a cached answer.
   */
  get text(): string {
    return (this.#text ??= this.buffers[0]?.toString('latin1') ?? '');
  }

  /** Most bytes of memory that it occupies. */
  get occupied(): number {
    return this.bytes + (this.bytes > textBytesMax ? 0 : this.bytes);
  }
}

/** Holds a body for clients that ask for the same again. It is emptied when its view has a newer revision, or its memory is needed. */
export interface Kept {
  readonly body: Body | undefined;
}

interface Held {
  readonly revision: number;
  readonly bodies: Map<string, { body: Body | undefined }>;
  /** Most bytes of all bodies, overhead included. */
  readonly bytes: number;
}

/** Overhead of one kept body, in bytes. */
const overheadBytes = 200;

/** Representations kept of one view: clients choose filters and tags, so there may be any number. */
const representationsMax = 64;

export class Answers {
  readonly #held: LRUCache<string, Held>;
  readonly #bytesMax: number;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
    this.#held = new LRUCache({
      // The library demands a maximum above zero.
      maxSize: Math.max(1, bytesMax),
      sizeCalculation: ({ bytes }) => bytes,
      dispose: ({ bodies }, _, reason) => {
        // Clear the slots, so that a plan that holds one does not keep its body alive.
        if (reason !== 'set') for (const kept of bodies.values()) kept.body = undefined;
      },
    });
  }

  get bytes(): number {
    return this.#held.calculatedSize;
  }

  /** Most bytes that are kept. */
  get bytesMax(): number {
    return this.#bytesMax;
  }

  /**
   * Finds the body for `representation` of `view` at `revision`.
   * @param representation names everything besides the view that the bytes depend on, the protocol first:
   *   `consul health passing`
   */
  find(view: string, revision: number, representation: string): Body | undefined {
    const held = this.#held.get(view);
    return held?.revision === revision ? held.bodies.get(representation)?.body : undefined;
  }

  /**
   * Marks a view as used, when the caller has sent a body that it held itself. While half of the memory is free, no view is
   * dropped soon, and the order of their use is not worth its time.
   */
  touch(view: string): void {
    if (this.#held.calculatedSize > this.#bytesMax / 2) this.#held.get(view);
  }

  /** Keeps a body, unless a newer revision of the view is kept, and drops the bodies of older revisions. */
  keep(view: string, revision: number, representation: string, body: Body): void {
    let held = this.#held.peek(view);
    if (held !== undefined && held.revision > revision) return;
    const cost = body.occupied + overheadBytes;
    // It would evict all others, and then itself.
    if (cost > this.#bytesMax) return;
    const full = held !== undefined && (held.bodies.size >= representationsMax || held.bytes + cost > this.#bytesMax);
    if (held?.revision !== revision || full) {
      this.#held.delete(view);
      held = undefined;
    }
    const bodies = held?.bodies ?? new Map<string, { body: Body | undefined }>();
    const before = bodies.get(representation);
    const freed = before?.body === undefined ? 0 : before.body.occupied + overheadBytes;
    if (before !== undefined) before.body = undefined;
    bodies.set(representation, { body });
    // A new object: the cache weighs an entry only when its value changes.
    this.#held.set(view, { revision, bodies, bytes: (held?.bytes ?? 0) + cost - freed });
  }

  /** The entry of a kept body; undefined when it did not fit. */
  kept(view: string, representation: string): Kept | undefined {
    return this.#held.get(view)?.bodies.get(representation);
  }
}
