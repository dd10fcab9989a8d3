/**
 * The probe that is under way, and the probes that this member makes for others. A probe asks one member directly, then
 * through `k` others and over a stream at once, and has failed if no answer came within the interval (SWIM §3.1; the
 * stream is memberlist's). A helper that gets no answer says so (`nack`): if that is missing, too, the asking member is
 * probably the slow one (Lifeguard §IV-A). It chooses no targets and sends nothing.
 *
 *     start ── timeout ──► indirect ── end of interval ──► failed
 *       └───────┴─ ack ──────┴─► answered
 */

import type { Address } from '../messages.ts';

export interface Probe {
  readonly sequence: number;
  readonly target: string;
  readonly address: Address;
  /** When other members are asked. */
  readonly timeoutAtMs: number;
  /** When it has failed, and the next one begins. */
  readonly endAtMs: number;
  isIndirect: boolean;
  isAnswered: boolean;
  /** Members that were asked to probe, too. */
  helpers: number;
  /** Those of them that have neither reported an answer nor said that there is none. */
  silentHelpers: number;
}

interface Relay {
  /** Who asked, and under which number. */
  readonly to: Address;
  readonly sequence: number;
  readonly nackAtMs: number;
  readonly endAtMs: number;
  isNacked: boolean;
}

/** Most probes for others at once; others would time out for the asking member, which then asks another helper. */
const relaysMax = 256;

/** An answer that is later than this after the `nack` is of no use to the asking member. */
const relayEndFactor = 4;

export class Probes {
  readonly #relays = new Map<number, Relay>();
  #sequence = 0;
  current: Probe | undefined;

  nextSequence(): number {
    this.#sequence = (this.#sequence + 1) % 2 ** 32;
    return this.#sequence;
  }

  /** @returns the sequence of the ping to send for another member; undefined if there are too many */
  relay(to: Address, sequence: number, nackAfterMs: number, nowMs: number): number | undefined {
    if (this.#relays.size >= relaysMax) return undefined;
    const own = this.nextSequence();
    this.#relays.set(own, { to, sequence, nackAtMs: nowMs + nackAfterMs, endAtMs: nowMs + nackAfterMs * relayEndFactor, isNacked: false });
    return own;
  }

  /** @returns `probe` if the answer is for this member's own probe, or the member that asked for it */
  acked(sequence: number): 'probe' | { readonly to: Address; readonly sequence: number } | undefined {
    const probe = this.current;
    if (probe?.sequence === sequence) {
      if (probe.isAnswered) return undefined;
      probe.isAnswered = true;
      return 'probe';
    }
    const relay = this.#relays.get(sequence);
    this.#relays.delete(sequence);
    return relay;
  }

  nacked(sequence: number): void {
    const probe = this.current;
    if (probe?.sequence === sequence && probe.silentHelpers > 0) probe.silentHelpers--;
  }

  /** @returns the members to tell now that there is no answer for them */
  dueNacks(nowMs: number): { readonly to: Address; readonly sequence: number }[] {
    const due: Relay[] = [];
    for (const [own, relay] of this.#relays) {
      if (relay.endAtMs <= nowMs) this.#relays.delete(own);
      if (relay.isNacked || relay.nackAtMs > nowMs) continue;
      relay.isNacked = true;
      due.push(relay);
    }
    return due;
  }
}
