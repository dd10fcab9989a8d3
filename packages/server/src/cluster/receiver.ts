/** Takes heartbeats that came to other nodes, and says of each whether this node watches its deadline. */

import type { CheckStatus } from '@rollcall/protocol';
import type { Member } from '../registry/kind/member/rows.ts';
import type { BeatAnswer, BeatBatch } from './channel/beat-body.ts';

export interface ReceiverOptions {
  /** Of this node's present life as a member; 0 while it is none. */
  readonly epoch: () => number;
  readonly ownerOf: (key: string) => Member | undefined;
  /** Hands a beat to liveness; see there. */
  readonly deliver: (key: string, status: CheckStatus | '', output: string, principal: string) => Promise<'taken' | 'moved' | 'absent'>;
}

export class Receiver {
  readonly #options: ReceiverOptions;

  constructor(options: ReceiverOptions) {
    this.#options = options;
  }

  /**
   * Resolves when the changes that the beats cause are committed. What was meant for an earlier life of this node is answered with the
   * present owners: this life has given every deadline its full time.
   * @returns one answer for each beat, in order
   */
  async deliver({ epoch, beats }: BeatBatch): Promise<readonly BeatAnswer[]> {
    if (epoch !== this.#options.epoch()) return beats.map(({ key }) => this.#moved(key));
    return Promise.all(beats.map(({ key, status, output, principal }) => this.#one(key, status, output, principal)));
  }

  async #one(key: string, status: CheckStatus | '', output: string, principal: string): Promise<BeatAnswer> {
    try {
      const kind = await this.#options.deliver(key, status, output, principal);
      return kind === 'moved' ? this.#moved(key) : { kind };
    } catch {
      // The deadline has its time; the node that got the beat from the client has committed, or refused, what it says.
      return { kind: 'taken' };
    }
  }

  #moved(key: string): BeatAnswer {
    return { kind: 'moved', to: this.#options.ownerOf(key)?.nodeId ?? '' };
  }
}
