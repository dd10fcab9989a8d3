/**
 * Delivers news of one thing to one client, the newest only and one push at a time: the next one goes out when the client has answered,
 * and one that was not answered is sent again. So a slow client costs one push, however often the thing changes.
 */

import type { Wheel } from '../../../health/wheel.ts';
import type { Connection, Push } from './connection.ts';

/** Pause before a push that was not answered is sent again, as in Nacos (`PushConfig`, `pushTaskRetryDelay`). */
export const retryMs = 1_000;

export interface DeliveryOptions {
  readonly connection: Connection;
  readonly wheel: Wheel;
  /** The news that the client does not have, which counts as sent from now on; undefined for none. */
  readonly next: () => Push | undefined;
  /** The client has not answered: the news counts as not sent. */
  readonly onUnanswered: () => void;
}

export class Delivery {
  readonly #options: DeliveryOptions;
  /** A push was sent and not answered yet, or will be sent again. */
  #isWaiting = false;
  #ended = false;

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  /** Sends the news, unless the client still has to answer, or reads too slowly: then it is to be called again when it reads. */
  serve(): void {
    const { connection, wheel, next, onUnanswered } = this.#options;
    if (this.#ended || this.#isWaiting || !connection.isFree) return;
    const push = next();
    if (push === undefined) return;
    this.#isWaiting = true;
    const goOn = () => {
      this.#isWaiting = false;
      this.serve();
    };
    connection.push(push, (answered) => {
      if (answered) {
        goOn();
        return;
      }
      if (this.#ended || !connection.isOpen) return;
      onUnanswered();
      wheel.schedule(retryMs, goOn);
    });
  }

  end(): void {
    this.#ended = true;
  }
}
