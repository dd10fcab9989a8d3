/**
 * The methods by which another node is present through this one: the presence of a follower is its connection to the primary. A
 * connection that breaks leaves the node present for a short time, in which it comes back.
 */

import type { Clock } from '../../clock.ts';
import type { Held, Presence } from '../../engine/presence.ts';
import { ByteReader, ByteWriter } from './bytes.ts';
import { cancelled, type Methods } from './peer.ts';

/** Present for so long after a connection has broken. Together with the time that finds a silent node, below `ttlMs` of the port. */
const returnMs = 1_000;

/** As the port says of node ids. */
const nodeIdMax = 200;

export function presenceMethods(presence: Presence, clock: Clock): Methods {
  return {
    'presence-hold': {
      kind: 'stream',
      async *run(body, signal) {
        const held = await presence.hold(nodeIdIn(body));
        try {
          yield Buffer.of();
          const lost = await Promise.race([held.lost, aborted(signal)]);
          if (lost !== undefined) yield Buffer.from(lost);
        } finally {
          if (signal.aborted && signal.reason !== cancelled) clock.timer(returnMs, () => void held.release());
          else await held.release();
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

/** @returns how a presence was lost; undefined for an item that says that it is held */
export function lossIn(item: Buffer): Awaited<Held['lost']> | undefined {
  const text = item.toString();
  return text === 'expired' || text === 'replaced' ? text : undefined;
}

function nodeIdIn(body: Buffer): string {
  return body.toString().slice(0, nodeIdMax);
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener('abort', () => resolve(undefined));
  });
}
