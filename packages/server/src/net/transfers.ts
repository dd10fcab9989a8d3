/**
 * Sends backups and receives restores, for every front end that offers them: bodies of any size, streamed with back-pressure, and cut
 * when the client stops reading or sending. It does not know the content of a backup.
 */

import type { IncomingMessage, OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { RegistryError } from '@rollcall/protocol';
import { inTurns } from '../in-turns.ts';
import { momentOf, type Moment } from '../registry/moment.ts';
import { BodyTooLarge } from './body.ts';
import type { Context } from './frontend.ts';

/** Makes and restores backups; the composition root provides it. */
export interface BackupStore {
  /**
   * The whole registry at one revision, as a file. It may be read more than once, with the same bytes each time; a reader
   * may stop at any point.
   */
  backup(moment: Moment): AsyncIterable<Buffer>;
  /**
   * Replaces the whole registry by a backup, or by the backup in a snapshot, atomically: it is read and checked completely first.
   * @throws RegistryError `invalid_argument` when it is not a backup, is damaged, or has a newer format
   */
  restore(backup: AsyncIterable<Buffer>): Promise<{ readonly records: number; readonly revision: number }>;
}

/** Backups at the same time: each holds a moment of the state and a connection until it ends. */
const backupsMax = 4;
/** A client that reads nothing for this long is cut. */
const stallMs = 30_000;

export class Transfers {
  readonly #context: Pick<Context, 'registry' | 'wheel' | 'limits'>;
  readonly #store: BackupStore;
  readonly #backups = new Set<AbortController>();
  #restoring: Promise<unknown> | undefined;

  constructor(context: Pick<Context, 'registry' | 'wheel' | 'limits'>, store: BackupStore) {
    this.#context = context;
    this.#store = store;
  }

  /**
   * Sends a backup with the given head. After the head, a failure can only be reported by breaking the connection, which
   * leaves the chunked body incomplete (RFC 9112 §8).
   */
  async save(response: ServerResponse, head: OutgoingHttpHeaders | OutgoingHttpHeader[]): Promise<void> {
    if (this.#backups.size >= backupsMax) {
      const message = `${backupsMax} backups are running, which is the limit; try again when one has finished`;
      throw new RegistryError('resource_exhausted', message);
    }
    const abort = new AbortController();
    const stall = this.#context.wheel.schedule(stallMs, () => abort.abort());
    this.#backups.add(abort);
    let chunks: AsyncIterator<Buffer> | undefined;
    try {
      const moment = await inTurns(momentOf(this.#context.registry.state));
      const reading = this.#store.backup(moment)[Symbol.asyncIterator]();
      chunks = reading;
      let next = await reading.next();
      response.writeHead(200, head);
      const rest = async function* (): AsyncGenerator<Buffer> {
        for (; next.done !== true; next = await reading.next()) {
          yield next.value;
          // The client has read what was sent so far.
          stall.renew(stallMs);
        }
      };
      await pipeline(Readable.from(rest(), { highWaterMark: 1 }), response, { signal: abort.signal });
    } finally {
      stall.cancel();
      this.#backups.delete(abort);
      await chunks?.return?.();
    }
  }

  /** Receives a backup; one at a time, since each replaces the whole registry. */
  async restore(request: IncomingMessage): Promise<{ readonly records: number; readonly revision: number }> {
    if (this.#restoring !== undefined) {
      throw new RegistryError('aborted', 'another restore is running; wait for it, then decide whether to restore again');
    }
    const { restoreBytesMax } = this.#context.limits;
    const announced = Number(request.headers['content-length'] ?? 0);
    if (announced > restoreBytesMax) throw new BodyTooLarge(announced, restoreBytesMax);
    const restoring = this.#store.restore(limited(request, restoreBytesMax));
    this.#restoring = restoring;
    try {
      return await restoring;
    } finally {
      this.#restoring = undefined;
    }
  }

  /** Cuts running backups, and waits until a running restore has committed or failed. */
  async close(): Promise<void> {
    for (const abort of this.#backups) abort.abort();
    await this.#restoring?.catch(() => undefined);
  }
}

async function* limited(source: Readable, limit: number): AsyncGenerator<Buffer> {
  let bytes = 0;
  // A front end that stops reading early must still be able to answer.
  for await (const chunk of source.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > limit) throw new BodyTooLarge(bytes, limit);
    yield chunk;
  }
}
