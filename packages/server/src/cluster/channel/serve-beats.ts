/** The method by which another node forwards heartbeats to this one, and the call that does so. */

import { RegistryError } from '@rollcall/protocol';
import { decodeBeatAnswers, decodeBeats, encodeBeatAnswers, encodeBeats, type BeatAnswer, type BeatBatch, type Beats } from './beat-body.ts';
import type { CallOptions, Methods } from './peer.ts';

/** @param from id of the node at the other end */
export function beatMethods(beats: Beats, from: () => string): Methods {
  return {
    beats: { kind: 'answer', run: async (body) => encodeBeatAnswers(await beats.deliver(decodeBeats(body), from())) },
  };
}

/** What has a connection: `Peer`, `Link`. */
interface Caller {
  call(method: string, body: Buffer, options?: CallOptions): Promise<Buffer>;
}

/**
 * Sends a batch to its owner.
 * @throws RegistryError as `Peer.call`; beats may be sent twice, so a lost connection is `unavailable`
 */
export async function sendBeats(to: Caller, batch: BeatBatch): Promise<readonly BeatAnswer[]> {
  const answers = decodeBeatAnswers(await to.call('beats', encodeBeats(batch)));
  if (answers.length === batch.beats.length) return answers;
  throw new RegistryError('internal', `${batch.beats.length} beats were answered with ${answers.length} answers`);
}
