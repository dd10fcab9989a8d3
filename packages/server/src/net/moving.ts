/**
 * Sends clients to other servers: all of them when this node leaves its store, and those that are connected when it has not followed its
 * store for a while. A node that is cut off is taken for dead by the others, which end the sessions of its streams after their
 * grace, although the clients live: they must resume elsewhere before that.
 */

import { machinesOf } from '../registry/kind/member/find.ts';
import type { Context } from './frontend.ts';

/** Each client resumes its session with a write, on nodes that have other work, too. */
const perSecondMax = 1_000;
const stepMs = 50;

/** Time that clients have to close their connections. */
const closeMs = 1_000;

/** How long a node may not follow its store before its clients go elsewhere: shorter than the presence of a node that is cut off. */
const staleMs = 2_000;

/** A lasting connection of a client. */
export interface Movable {
  /** Whether instances live as long as the connection. */
  readonly vouches: boolean;
  /** Tells the client to use another server; its instances stay. */
  dismiss(): void;
}

/** Sends them away over a second, or over as many seconds as there are thousands; resolves when all were told. */
async function dismissAll(streams: readonly Movable[], { clock }: Pick<Context, 'clock'>): Promise<void> {
  const waiting = [...streams];
  const atOnce = Math.ceil((Math.min(waiting.length, perSecondMax) * stepMs) / 1_000);
  while (waiting.length > 0) {
    for (const each of waiting.splice(0, atOnce)) each.dismiss();
    if (waiting.length > 0) await new Promise<void>((next) => clock.timer(stepMs, next));
  }
}

/** Resolves when all are gone, or have had time to go. @param open those that are open; it changes meanwhile */
export async function moveAll(open: ReadonlySet<Movable>, context: Pick<Context, 'clock'>): Promise<void> {
  await dismissAll([...open], context);
  const { clock } = context;
  const until = clock.monotonic() + closeMs;
  while (open.size > 0 && clock.monotonic() < until) await new Promise<void>((next) => clock.timer(stepMs, next));
}

/**
 * Watches whether this node follows its store. Clients that come meanwhile stay: they have found no better server. So do those that have
 * registered nothing: they know that what they are shown is old.
 * @returns stops it
 */
export function moveWhenStale(open: ReadonlySet<Movable>, context: Pick<Context, 'clock' | 'registry' | 'log'>): () => void {
  const { clock, registry, log } = context;
  let cancel = () => {};
  const unwatch = registry.watchStaleness(() => {
    cancel();
    // Where one node has the store, there is no other server to go to.
    if (registry.staleMs === 0 || machinesOf(registry.state).length < 2) return;
    const before = [...open];
    cancel = clock.timer(staleMs, () => {
      const streams = before.filter((stream) => open.has(stream) && stream.vouches);
      if (streams.length === 0) return;
      log.warn({ streams: streams.length }, 'this node does not follow its store: its clients go to other nodes');
      void dismissAll(streams, context);
    });
  });
  return () => {
    cancel();
    unwatch();
  };
}
