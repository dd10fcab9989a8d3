/** The methods by which another node follows the log of this one's store, and commits to it. They serve any engine. */

import type { Engine } from '../../engine/engine.ts';
import { channelLimits, decodeAfter, decodeTransaction, encodeResult, encodeNumber, EventEncoder } from './log-body.ts';
import type { PeerWelcome } from './hello.ts';
import type { Methods } from './peer.ts';

/** One set for all connections: readers of the same transaction get the same bytes. */
export function logMethods(engine: Pick<Engine, 'changes' | 'commit' | 'barrier'>): Methods {
  const encoder = new EventEncoder();
  return {
    log: {
      kind: 'stream',
      async *run(body, signal) {
        const after = decodeAfter(body);
        const resume = after === undefined ? {} : { after };
        for await (const event of engine.changes({ ...resume, signal })) yield* encoder.parts(event);
      },
    },
    commit: { kind: 'answer', run: async (body) => encodeResult(await engine.commit(decodeTransaction(body))) },
    barrier: { kind: 'answer', run: async () => encodeNumber(await engine.barrier()) },
  };
}

/** The limits of a store, as a hello has them. */
export function limitsOf({ limits }: Pick<Engine, 'limits'>): Pick<PeerWelcome, 'operations' | 'bytes'> {
  return channelLimits(limits);
}
