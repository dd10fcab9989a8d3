/**
 * Batches of heartbeats that arrived at a node which does not own their deadlines, and the owner's answers. The owner handles a
 * batch through the port `Beats`; `cluster/strays.ts` gathers the batches.
 */

import type { CheckStatus } from '@rollcall/protocol';
import { BadMessage, ByteReader, ByteWriter } from './bytes.ts';

export interface Beat {
  /** Record key of the check or the session. */
  readonly key: string;
  /** Empty for the renewal of a session. */
  readonly status: CheckStatus | '';
  readonly output: string;
  /** The principal that sent it (`net/principal.ts`). */
  readonly principal: string;
}

export interface BeatBatch {
  /** The owner's epoch, as the sender knows it. */
  readonly epoch: number;
  /** At most `beatsMax`. */
  readonly beats: readonly Beat[];
}

/** `absent`: there is no such check or session. `moved`: another node owns it; `to` is its id, empty when the owner is not known. */
export type BeatAnswer =
  | { readonly kind: 'taken' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'moved'; readonly to: string };

/** The owner's side of forwarded heartbeats. */
export interface Beats {
  /**
   * Takes a batch. Resolves when the changes that the beats cause are committed.
   * @param from id of the node that sent them
   * @returns one answer for each beat, in order
   */
  deliver(batch: BeatBatch, from: string): Promise<readonly BeatAnswer[]>;
}

/** Beats of one batch. */
export const beatsMax = 512;

const statuses = ['', 'passing', 'warning', 'critical'] as const satisfies readonly (CheckStatus | '')[];
const answerKinds = ['taken', 'absent', 'moved'] as const;

export function encodeBeats({ epoch, beats }: BeatBatch): Buffer {
  const writer = new ByteWriter().number(epoch).number(beats.length);
  for (const { key, status, output, principal } of beats) {
    writer.text(key).byte(statuses.indexOf(status)).text(output).text(principal);
  }
  return writer.done();
}

/** @throws BadMessage */
export function decodeBeats(body: Buffer): BeatBatch {
  const reader = new ByteReader(body);
  const epoch = reader.number();
  const count = reader.count();
  if (count > beatsMax) throw new BadMessage(`a batch has ${count} beats, the limit is ${beatsMax}`);
  const beats: Beat[] = [];
  for (let at = 0; at < count; at++) {
    const key = reader.text();
    const status = statuses[reader.byte()];
    if (status === undefined) throw new BadMessage('a beat has no status that is known');
    beats.push({ key, status, output: reader.text(), principal: reader.text() });
  }
  reader.end();
  return { epoch, beats };
}

export function encodeBeatAnswers(answers: readonly BeatAnswer[]): Buffer {
  const writer = new ByteWriter().number(answers.length);
  for (const answer of answers) {
    writer.byte(answerKinds.indexOf(answer.kind));
    if (answer.kind === 'moved') writer.text(answer.to);
  }
  return writer.done();
}

/** @throws BadMessage */
export function decodeBeatAnswers(body: Buffer): BeatAnswer[] {
  const reader = new ByteReader(body);
  const count = reader.count();
  const answers: BeatAnswer[] = [];
  for (let at = 0; at < count; at++) {
    const kind = answerKinds[reader.byte()];
    if (kind === undefined) throw new BadMessage('an answer to a beat is of no known kind');
    answers.push(kind === 'moved' ? { kind, to: reader.text() } : { kind });
  }
  reader.end();
  return answers;
}
