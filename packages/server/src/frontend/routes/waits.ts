/**
 * Requests that wait for a change: parked until a view passes the revision that the client has seen, the time is over, the client has gone, or
 * the server closes. The caller then answers with the present content, after it has checked the rights again.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { RegistryError } from '@rollcall/protocol';
import { onClientEnd } from '../../net/client-end.ts';
import type { Context } from '../../net/frontend.ts';

export interface Wait {
  readonly view: string;
  /** Revision that the client has seen. */
  readonly after: number;
  readonly waitMs: number;
}

export class Waits {
  readonly #context: Pick<Context, 'registry' | 'wheel' | 'limits'>;
  readonly #parked = new Set<() => void>();
  #isClosing = false;

  constructor(context: Pick<Context, 'registry' | 'wheel' | 'limits'>) {
    this.#context = context;
  }

  /** @throws RegistryError `resource_exhausted` when too many wait; `cancelled` when the client has gone */
  async until({ view, after, waitMs }: Wait, { request, response }: { readonly request: IncomingMessage; readonly response: ServerResponse }): Promise<void> {
    const { registry, wheel, limits: { parkedMax } } = this.#context;
    const isNewer = () => {
      const revision = registry.views.revision(view);
      // A client with a larger revision has seen another store, or this one before a restore.
      return revision > after || after > registry.state.revision;
    };
    if (waitMs === 0 || this.#isClosing || isNewer()) return;
    if (this.#parked.size >= parkedMax) throw new RegistryError('resource_exhausted', `${this.#parked.size} requests wait for routes, which is the limit; try again later`);
    let gone = false;
    await new Promise<void>((done) => {
      const end = () => {
        timer.cancel();
        unwatch();
        stopEnd();
        response.off('close', onClose);
        this.#parked.delete(end);
        done();
      };
      const onClose = () => {
        gone = true;
        end();
      };
      const timer = wheel.schedule(waitMs, end);
      const unwatch = registry.views.watch(view, () => {
        if (isNewer()) end();
      });
      const stopEnd = onClientEnd(request.socket, end);
      response.once('close', onClose);
      this.#parked.add(end);
    });
    if (gone) throw new RegistryError('cancelled', 'the client has gone');
  }

  close(): void {
    this.#isClosing = true;
    for (const end of [...this.#parked]) end();
  }
}
