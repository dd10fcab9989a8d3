/**
 * `/v1/snapshot`: saves and restores the whole state as one file: an archive that Consul's tools read
 * (`archive.ts`), with the backup of Rollcall that a restore uses.
 */

import type { Context } from '../../../net/frontend.ts';
import { type BackupStore, Transfers } from '../../../net/transfers.ts';
import type { Call } from '../request/call.ts';
import { type Reply, streamed } from '../wire/reply.ts';
import { inContact, withContact } from '../wire/contact.ts';
import { commonHead } from '../wire/responses.ts';
import { writeArchive } from './archive.ts';

export class Snapshots {
  readonly #transfers: Transfers;

  constructor(context: Context, store: BackupStore) {
    const { identity, clock } = context;
    const { datacenter, nodeId, address } = identity;
    this.#transfers = new Transfers(context, {
      backup: (moment) => writeArchive({ moment, store, datacenter, nodeId, address, nowMs: clock.now() }),
      restore: (snapshot) => store.restore(snapshot),
    });
  }

  /** `GET /v1/snapshot` */
  async save({ context, exchange }: Call): Promise<Reply> {
    const { registry, security } = context;
    await this.#transfers.save(exchange.response, [
      ...['Content-Type', 'application/x-gzip', 'Cache-Control', 'no-store'],
      ...commonHead(security.acl),
      ...['X-Consul-Index', String(Math.max(1, registry.state.revision))],
      ...withContact(inContact, registry.staleMs),
    ]);
    return streamed;
  }

  /**
   * `PUT /v1/snapshot`: replaces everything, or changes nothing.
   * @throws RegistryError `invalid_argument` if it is not a snapshot of Rollcall, or is damaged; BodyTooLarge
   */
  async restore({ context, exchange }: Call): Promise<Reply> {
    const restored = await this.#transfers.restore(exchange.request);
    context.log.warn(restored, 'restored from a snapshot: everything that was registered before is replaced');
    return undefined;
  }

  /** Aborts snapshots that are being saved, and waits for a restore to commit or fail. */
  close(): Promise<void> {
    return this.#transfers.close();
  }
}
