/**
 * Backups out and restores in, for every front end that offers them: bodies of any size, streamed with
 * back-pressure, cut when the other end stops moving. What a backup consists of is not known here.
 */

import type { IncomingMessage, OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { RegistryError } from '@rollcall/protocol';
import { inTurns } from '../in-turns.ts';
import { momentOf, type Moment } from '../registry/moment.ts';
import { BodyTooLarge } from './body.ts';
import type { Context } from './frontend.ts';

/** Where backups come from and go to; the composition root knows. */
export interface BackupStore {
  /**
   * The whole registry at one revision, as a file. It may be read more than once, and is the same bytes each
   * time; reading may be given up any time.
   */
  backup(moment: Moment): AsyncIterable<Buffer>;
  /**
   * Replaces everything by a backup, or the one in a snapshot, atomically: the whole of it is read and checked first.
   * @throws RegistryError `invalid_argument` when it is no backup, or a damaged or newer one
   */
  restore(backup: AsyncIterable<Buffer>): Promise<{ readonly records: number; readonly revision: number }>;
}

/** Each holds a snapshot or a connection for as long as it takes; more than this is a mistake. */
const backupsMax = 4;
/** A client that takes nothing for this long is gone or stuck. */
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
   * Sends a backup with a head of the caller's. Once the head is out, the only way to report a failure is to break the
   * connection, which leaves the chunked body visibly incomplete (RFC 9112 §8).
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
          // Asked for more: the client has taken what it was given.
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

  /** Takes a backup in; one at a time, since each replaces everything. */
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

  /** Breaks running backups off and waits for a running restore to commit or fail. */
  async close(): Promise<void> {
    for (const abort of this.#backups) abort.abort();
    await this.#restoring?.catch(() => undefined);
  }
}

async function* limited(source: Readable, limit: number): AsyncGenerator<Buffer> {
  let bytes = 0;
  // A front end that stops reading half way must still be able to answer.
  for await (const chunk of source.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > limit) throw new BodyTooLarge(bytes, limit);
    yield chunk;
  }
}
