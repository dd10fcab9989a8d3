/** Accepts heartbeats that came to other nodes, and answers for each whether this node watches its deadline. */

import type { CheckStatus } from '@rollcall/protocol';
import type { Member } from '../registry/kind/member/rows.ts';
import type { BeatAnswer, BeatBatch } from './channel/beat-body.ts';

export interface ReceiverOptions {
  /** Epoch of this node's present membership; 0 while it is no member. */
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
   * Resolves when the changes that the beats cause are committed. Beats for an earlier epoch of this node are answered with the
   * present owners: since it joined again, every deadline has its full time.
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
      // The deadline is renewed. The node that got the beat from the client has committed or refused its status.
      return { kind: 'taken' };
    }
  }

  #moved(key: string): BeatAnswer {
    return { kind: 'moved', to: this.#options.ownerOf(key)?.nodeId ?? '' };
  }
}
