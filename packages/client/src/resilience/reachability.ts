/**
 * Endpoints that accept no connection. A request that fails to connect has sent nothing, so each such endpoint
 * is left out from its first refusal on, without a limit of their number. A separate check tries to connect
 * after 1 s, then after twice as long each time, up to 30 s; the endpoint is in again when a connection
 * succeeds, so no request serves as a test. While all are out, requests go to all, since any of them may be
 * the first to return, and each is checked every second.
 *
 * `ejection.ts` handles endpoints that fail or whose connections break; it leaves out only a part of the
 * list.
 */

import type { Endpoint } from '../endpoint.ts';

/** Tests whether an endpoint accepts connections. The promise settles within seconds and does not reject. */
export type Reach = (endpoint: Endpoint) => Promise<boolean>;

export interface ReachabilityOptions {
  /** First wait before an endpoint is checked, in milliseconds. */
  readonly baseMs: number;
  /** Longest wait, in milliseconds. */
  readonly maxMs: number;
  /** Performs the checks. Without it, an endpoint is in again when its wait is over, and the next request tests it. */
  readonly reach?: Reach | undefined;
}

interface Absence {
  /** When the present wait began. */
  since: number;
  /** Length of the present wait, or of the last one. */
  lengthMs: number;
  /** `back` until the endpoint has answered: if it fails before that, its next wait is twice as long. */
  state: 'out' | 'checked' | 'back';
}

/** Checks that run at once: when a service of hundreds is down, its callers must not open hundreds of sockets. */
const checksMax = 8;

export class Reachability {
  readonly #baseMs: number;
  readonly #maxMs: number;
  readonly #reach: Reach | undefined;
  readonly #absences = new Map<Endpoint, Absence>();
  #checks = 0;
  #allOut = false;
  #nextCheck = Infinity;

  constructor({ baseMs, maxMs, reach }: ReachabilityOptions) {
    this.#baseMs = baseMs;
    this.#maxMs = maxMs;
    this.#reach = reach;
  }

  /** Whether the last list that was filtered has endpoints, and none of them accepts connections. */
  get allOut(): boolean {
    return this.#allOut;
  }

  /** When the next check is due, on the clock of `now`; Infinity when no endpoint is out. */
  get nextCheck(): number {
    return this.#nextCheck;
  }

  /**
   * An endpoint refused a connection.
   * @returns how long it is left out, in milliseconds; undefined when it was already out
   */
  lost(endpoint: Endpoint, now: number): number | undefined {
    const absence = this.#absences.get(endpoint);
    if (absence !== undefined && absence.state !== 'back') return undefined;
    const lengthMs = absence === undefined ? this.#baseMs : this.#longer(absence.lengthMs);
    this.#absences.set(endpoint, { since: now, lengthMs, state: 'out' });
    return lengthMs;
  }

  /** The endpoint accepted a connection. @returns whether it was out */
  met(endpoint: Endpoint): boolean {
    const absence = this.#absences.get(endpoint);
    return absence !== undefined && this.#absences.delete(endpoint) && absence.state !== 'back';
  }

  /** The endpoint left the list, or the registry reports it as ready again. */
  forget(endpoint: Endpoint): void {
    this.#absences.delete(endpoint);
  }

  /** The endpoints that accept connections, as far as known; all of them when none does. */
  filter(endpoints: readonly Endpoint[]): readonly Endpoint[] {
    const reachable = this.#absences.size === 0 ? endpoints : endpoints.filter((endpoint) => !this.#isOut(endpoint));
    this.#allOut = reachable.length === 0 && endpoints.length > 0;
    this.#schedule();
    return this.#allOut ? endpoints : reachable;
  }

  /**
   * The endpoints that a pick would leave out, with the time of the next check on the clock of `now`; undefined while
   * a check runs. It changes nothing. When all are out, a pick leaves out none.
   */
  explain(endpoints: readonly Endpoint[], now: number): ReadonlyMap<Endpoint, number | undefined> {
    const out = new Map<Endpoint, number | undefined>();
    for (const endpoint of endpoints) {
      const absence = this.#absences.get(endpoint);
      if (absence === undefined || absence.state === 'back' || (this.#reach === undefined && this.#isDue(absence, now))) continue;
      out.set(endpoint, absence.state === 'checked' ? undefined : this.#due(absence));
    }
    return out;
  }

  /** Starts the checks that are due. Must be called when `nextCheck` has come; `filter` follows. */
  check(now: number): void {
    for (const [endpoint, absence] of this.#absences) {
      if (!this.#isDue(absence, now)) continue;
      if (this.#reach === undefined) absence.state = 'back';
      else if (this.#checks < checksMax) this.#begin(this.#reach, endpoint, absence, now);
    }
    this.#schedule();
  }

  #begin(reach: Reach, endpoint: Endpoint, absence: Absence, now: number): void {
    this.#checks += 1;
    absence.state = 'checked';
    void reach(endpoint).then((reached) => {
      this.#checks -= 1;
      // It was removed, or a request connected to it, in the meantime.
      if (this.#absences.get(endpoint) !== absence) return;
      absence.state = reached ? 'back' : 'out';
      absence.since = now;
      if (!reached) absence.lengthMs = this.#longer(absence.lengthMs);
      // The next pick filters the list again.
      if (reached) this.#nextCheck = -Infinity;
      else this.#schedule();
    });
  }

  #longer(lengthMs: number): number {
    return this.#allOut ? this.#baseMs : Math.min(2 * lengthMs, this.#maxMs);
  }

  #isDue(absence: Absence, now: number): boolean {
    return absence.state === 'out' && this.#due(absence) <= now;
  }

  /** When all other endpoints are out, too, an endpoint with a long wait is checked soon. */
  #due({ since, lengthMs }: Absence): number {
    return since + (this.#allOut ? Math.min(lengthMs, this.#baseMs) : lengthMs);
  }

  #schedule(): void {
    this.#nextCheck = Infinity;
    for (const absence of this.#absences.values()) {
      if (absence.state === 'out') this.#nextCheck = Math.min(this.#nextCheck, this.#due(absence));
    }
  }

  #isOut(endpoint: Endpoint): boolean {
    const absence = this.#absences.get(endpoint);
    return absence !== undefined && absence.state !== 'back';
  }
}
