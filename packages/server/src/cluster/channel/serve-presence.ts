/**
 * The methods by which another node is present through this one: the presence of a follower is its connection to the primary. A
 * connection that breaks leaves the node present for a short time, in which it comes back.
 */

import type { Clock } from '../../clock.ts';
import type { Held, Presence } from '../../engine/presence.ts';
import { ByteReader, ByteWriter } from './bytes.ts';
import { cancelled, type Methods } from './peer.ts';

/** How long a node stays present after its connection has broken: a follower connects again sooner. */
const returnMs = 1_500;

/** The limit of the port for node ids. */
const nodeIdMax = 200;

/** The items of `presence-hold`: first one of the first two, then one of the last two. */
export type HoldItem = 'held' | 'held still' | Awaited<Held['lost']>;

export function presenceMethods(presence: Presence, clock: Clock): Methods {
  /** Nodes that are present through this one, with the present holder of each. */
  const holding = new Map<string, Held>();

  async function release(nodeId: string, held: Held): Promise<void> {
    if (holding.get(nodeId) === held) holding.delete(nodeId);
    await held.release();
  }

  return {
    'presence-hold': {
      kind: 'stream',
      async *run(body, signal) {
        const nodeId = body.toString().slice(0, nodeIdMax);
        const before = holding.has(nodeId);
        const held = await presence.hold(nodeId);
        holding.set(nodeId, held);
        let lost: Awaited<Held['lost']> | undefined;
        try {
          yield item(before ? 'held still' : 'held');
          lost = await Promise.race([held.lost, aborted(signal)]);
          if (lost !== undefined) yield item(lost);
        } finally {
          if (lost === undefined && signal.aborted && signal.reason !== cancelled) clock.timer(returnMs, () => void release(nodeId, held));
          else await release(nodeId, held);
        }
      },
    },
    'presence-watch': {
      kind: 'stream',
      async *run(_body, signal) {
        let present: ReadonlySet<string> | undefined;
        let wake = () => {};
        signal.addEventListener('abort', () => wake());
        const stop = presence.watch((now) => {
          present = now;
          wake();
        });
        try {
          while (!signal.aborted) {
            if (present === undefined) await new Promise<void>((resolve) => (wake = resolve));
            const shown = present;
            present = undefined;
            if (shown !== undefined) yield encodePresent(shown);
          }
        } finally {
          stop();
        }
      },
    },
  };
}

export function encodePresent(present: ReadonlySet<string>): Buffer {
  const writer = new ByteWriter().number(present.size);
  for (const nodeId of present) writer.text(nodeId);
  return writer.done();
}

/** @throws BadMessage */
export function decodePresent(body: Buffer): Set<string> {
  const reader = new ByteReader(body);
  const count = reader.count();
  const present = new Set<string>();
  for (let at = 0; at < count; at++) present.add(reader.text());
  reader.end();
  return present;
}

function item(what: HoldItem): Buffer {
  return Buffer.from(what);
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener('abort', () => resolve(undefined));
  });
}
