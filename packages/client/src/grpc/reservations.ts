/**
 * Counts calls at an endpoint from their pick on. grpc-js reports the start of a call a little after the pick,
 * and never reports that a picked call was abandoned. So a pick reserves a place for a short time: calls that
 * are picked in one turn of the event loop count each other, and a call that never starts frees its place soon.
 */

import type { Clock } from '../clock.ts';
import type { Endpoint } from '../endpoint.ts';

/** How long a picked call counts before it has started, in milliseconds: a few turns of the event loop. */
const reservedMs = 1;

export interface Reservation {
  readonly endpoint: Endpoint;
  /** Whether the reservation counts in `endpoint.inFlight`. */
  counted: boolean;
}

export class Reservations {
  readonly #clock: Pick<Clock, 'timer'>;
  /** Calls that were picked, and neither started nor abandoned. */
  readonly #picked = new Set<Reservation>();
  #isTimed = false;

  constructor(clock: Pick<Clock, 'timer'>) {
    this.#clock = clock;
  }

  /** Counts a call that was picked to go to the endpoint. */
  take(endpoint: Endpoint): Reservation {
    const reservation = { endpoint, counted: true };
    endpoint.inFlight += 1;
    this.#picked.add(reservation);
    if (!this.#isTimed) {
      this.#isTimed = true;
      this.#clock.timer(reservedMs, () => this.#lapse());
    }
    return reservation;
  }

  started(reservation: Reservation): void {
    this.#picked.delete(reservation);
    if (reservation.counted) return;
    reservation.counted = true;
    reservation.endpoint.inFlight += 1;
  }

  ended(reservation: Reservation): void {
    this.#picked.delete(reservation);
    this.#release(reservation);
  }

  #lapse(): void {
    this.#isTimed = false;
    for (const reservation of this.#picked) this.#release(reservation);
    this.#picked.clear();
  }

  #release(reservation: Reservation): void {
    if (!reservation.counted) return;
    reservation.counted = false;
    reservation.endpoint.inFlight -= 1;
  }
}
