/**
 * The pause of a client whose token was refused. It ends after its time, or as soon as a file contains another
 * token, since files may be replaced at any time.
 */

import type { Clock } from '../clock.ts';
import type { Credentials, CredentialSource } from './credentials.ts';

/** How often the files are read meanwhile. */
const lookMs = 1_000;

export class TokenWait {
  readonly #clock: Clock;
  readonly #source: CredentialSource;
  #shown: string | undefined;

  constructor(clock: Clock, source: CredentialSource) {
    this.#clock = clock;
    this.#source = source;
  }

  /** Credentials of an attempt. @throws RegistryError `unauthenticated` for files that cannot be used */
  async credentials(): Promise<Credentials> {
    const credentials = await this.#source();
    this.#shown = credentials.token;
    return credentials;
  }

  /** Whether the token differs from that of the last attempt. */
  async hasAnother(): Promise<boolean> {
    const token = await this.#source().then((now) => now.token, () => undefined);
    return token !== undefined && token !== this.#shown;
  }

  /** @returns cancels it */
  start(delayMs: number, onEnd: () => void): () => void {
    let cancelled = false;
    let cancelTimer = () => {};
    const wait = (leftMs: number) => {
      cancelTimer = this.#clock.timer(Math.min(leftMs, lookMs), () => void look(leftMs - lookMs));
    };
    const look = async (leftMs: number) => {
      const over = leftMs <= 0 || (await this.hasAnother());
      if (cancelled) return;
      if (over) onEnd();
      else wait(leftMs);
    };
    wait(delayMs);
    return () => {
      cancelled = true;
      cancelTimer();
    };
  }
}
