/**
 * Keeps this process's instances in the registry as the program wants them. Sends one frame at a time, and
 * sends again after every loss, until everything is confirmed. It knows instances by id only; `registration.ts`
 * has the object that programs hold.
 *
 *   want ─► version 3 ─┐                        ┌─► confirmed 3: resolves the waits for ≤ 3
 *                      ├─ batch ─► the registry ┤
 *   want ─► version 5 ─┘                        └─► refused: rejects the waits, and tries again later
 *
 * A wanted registration is tried until the program closes it. It waits for a registry that is unreachable, is sent
 * again within a second to one that is busy, and every 5 to 10 s to one that refuses it, since tokens change.
 */

import {
  RegistryError,
  frameLimits,
  toRegistryError,
  type ErrorCode,
  type InstanceRegistration,
  type ReplyFrame,
  type WelcomeFrame,
} from '@rollcall/protocol';
import type { Clock, Random } from '../clock.ts';
import type { ConnectionEvent } from './connection-event.ts';
import type { ConnectionPart, RegistryConnection } from './registry-connection.ts';

interface Waiter {
  readonly version: number;
  settle(error?: unknown): void;
}

/** One instance: the wanted state, and the version that the registry has confirmed. */
export interface Wish {
  readonly id: string;
  /** Undefined: to be removed. */
  readonly wanted: InstanceRegistration | undefined;
}

interface Entry extends Wish {
  wanted: InstanceRegistration | undefined;
  /** Rises with every change of `wanted`. */
  version: number;
  /** Version that the registry has confirmed, or finally refused; 0 for none. */
  confirmed: number;
  /** A registry may have it. */
  sent: boolean;
  /** The registry had it before. */
  taken: boolean;
  /** Why the last attempt failed. */
  lastError: RegistryError | undefined;
  /** Why the registry refused the version that counts as confirmed. */
  refusal: RegistryError | undefined;
  /** The program was told that it is registered. */
  told: boolean;
  stopTimer: () => void;
  readonly waiters: Set<Waiter>;
}

interface Sent {
  readonly entry: Entry;
  readonly version: number;
  readonly wanted: InstanceRegistration | undefined;
}

export interface RegistrationsOptions {
  readonly connection: Pick<RegistryConnection, 'accepting' | 'ask' | 'urge'>;
  readonly clock: Clock;
  readonly random: Random;
  /** Time after which an unconfirmed registration is reported, in milliseconds. */
  readonly timeoutMs: number;
  readonly onEvent: (event: ConnectionEvent) => void;
}

export interface Wait {
  readonly signal?: AbortSignal | undefined;
  /** Longest wait, in milliseconds; `Infinity` for none. */
  readonly timeoutMs: number;
}

/** Codes of refusals that would be repeated. */
const finalCodes: ReadonlySet<ErrorCode> = new Set([
  'invalid_argument',
  'not_found',
  'already_exists',
  'failed_precondition',
  'permission_denied',
  'unauthenticated',
  'unimplemented',
]);

/** Instances in one frame; fewer when they are large. */
const batchMax = 100;
const batchBytesMax = frameLimits.frameBytesMax / 2;

/** Codes of refusals that a change of the token, or of its rights, may end. */
const denials: ReadonlySet<ErrorCode> = new Set(['permission_denied', 'unauthenticated']);

/** Longest pause before an instance that was refused is tried again, in milliseconds. */
const deniedMs = 10_000;

/** Longest pause before instances are sent again after a temporary refusal, in milliseconds. */
const pauseMs = 1_000;

export class Registrations implements ConnectionPart {
  readonly #connection: RegistrationsOptions['connection'];
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #timeoutMs: number;
  readonly #onEvent: (event: ConnectionEvent) => void;
  readonly #entries = new Map<string, Entry>();
  #working = false;
  #paused = false;
  /** A batch was refused: its instances are sent one by one, so that only the invalid one fails. */
  #oneByOne = false;

  constructor({ connection, clock, random, timeoutMs, onEvent }: RegistrationsOptions) {
    this.#connection = connection;
    this.#clock = clock;
    this.#random = random;
    this.#timeoutMs = timeoutMs;
    this.#onEvent = onEvent;
  }

  /** Number of instances that are registered or wanted. */
  get size(): number {
    return this.#entries.size;
  }

  find(id: string): Wish | undefined {
    return this.#entries.get(id);
  }

  /** @param wanted undefined: to be removed */
  want(id: string, wanted: InstanceRegistration | undefined): void {
    let entry = this.#entries.get(id);
    if (entry === undefined) {
      const fresh = { version: 0, confirmed: 0, sent: false, taken: false, told: false, lastError: undefined, refusal: undefined };
      entry = { id, wanted, ...fresh, stopTimer: () => {}, waiters: new Set() };
      this.#entries.set(id, entry);
      this.#watchLate(entry);
    }
    if (wanted === undefined) entry.stopTimer();
    entry.wanted = wanted;
    entry.version++;
    // It was never sent, so no registry has it.
    if (wanted === undefined && !entry.sent) {
      this.#entries.delete(id);
      this.#settle(entry, entry.version, undefined);
      return;
    }
    this.#connection.urge();
    this.#work();
  }

  /**
   * Resolves when the registry has the instance as it is wanted now. After the wait has ended, the registration is
   * still tried.
   * @throws RegistryError the reason of a refusal; `unavailable` if no registry could be reached in time
   * @throws the signal's reason when it aborts first
   */
  confirmed(id: string, { signal, timeoutMs }: Wait): Promise<void> {
    const entry = this.#entries.get(id);
    if (entry === undefined) return Promise.resolve();
    if (entry.confirmed >= entry.version) return entry.refusal === undefined ? Promise.resolve() : Promise.reject(entry.refusal);
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        version: entry.version,
        settle(error?: unknown) {
          entry.waiters.delete(waiter);
          stopTimer();
          signal?.removeEventListener('abort', onAbort);
          if (error === undefined) resolve();
          else reject(error);
        },
      };
      const onAbort = () => waiter.settle(signal?.reason ?? new RegistryError('cancelled', 'cancelled'));
      const late = () => waiter.settle(entry.lastError ?? notTaken(timeoutMs));
      const stopTimer = timeoutMs === Infinity ? () => {} : this.#clock.timer(timeoutMs, late);
      entry.waiters.add(waiter);
      if (signal?.aborted === true) onAbort();
      else signal?.addEventListener('abort', onAbort);
    });
  }

  opened(): void {
    this.#work();
  }

  greeted({ resumed }: WelcomeFrame): void {
    if (!resumed) this.#forget();
    this.#work();
  }

  pushed(frame: ReplyFrame): void {
    if (frame.type !== 'session-lost') return;
    this.#forget();
    // The operator who ended this session probably ended others, too; the clients must not all come back at once.
    this.#pause(this.#random() * pauseMs);
  }

  lost(): void {}

  /** Rejects the callers that wait; the registration itself is tried again. */
  refused(error: RegistryError): void {
    for (const { waiters } of this.#entries.values()) for (const waiter of waiters) waiter.settle(error);
  }

  closed(): void {
    for (const { waiters, stopTimer } of this.#entries.values()) {
      stopTimer();
      for (const waiter of waiters) waiter.settle(new RegistryError('cancelled', 'the client is closed'));
    }
    this.#entries.clear();
  }

  /** The registry has lost all instances of this client. */
  #forget(): void {
    for (const entry of this.#entries.values()) {
      entry.confirmed = 0;
      entry.told = false;
    }
  }

  /** Reports a registration that is late, since an unreachable registry sends no event. */
  #watchLate(entry: Entry): void {
    entry.stopTimer = this.#clock.timer(this.#timeoutMs, () => {
      if (entry.confirmed < entry.version) this.#tellFailure(entry, entry.lastError ?? notTaken(this.#timeoutMs));
    });
  }

  #tellFailure({ id, wanted }: Entry, { code, message }: RegistryError): void {
    if (wanted === undefined) return;
    this.#onEvent({ kind: 'not-registered', id, service: wanted.service, code, reason: message });
  }

  #tellSuccess(entry: Entry, wanted: InstanceRegistration): void {
    if (entry.told) return;
    entry.told = true;
    this.#onEvent({ kind: 'registered', id: entry.id, service: wanted.service });
  }

  #pause(ms: number): void {
    this.#paused = true;
    this.#clock.timer(ms, () => {
      this.#paused = false;
      this.#work();
    });
  }

  /** Sends everything unconfirmed while a registry is reachable. */
  #work(): void {
    if (this.#working || this.#paused || !this.#connection.accepting) return;
    const batch = this.#nextBatch();
    if (batch.length === 0) {
      this.#oneByOne = false;
      return;
    }
    this.#working = true;
    void this.#send(batch).then(
      () => {
        this.#working = false;
        this.#accept(batch);
        this.#work();
      },
      (error: unknown) => {
        this.#working = false;
        this.#refuse(batch, toRegistryError(error));
        this.#work();
      },
    );
  }

  /** Either registrations or deregistrations, with their present content. */
  #nextBatch(): Sent[] {
    const batch: Sent[] = [];
    let bytes = 0;
    for (const entry of this.#entries.values()) {
      const { id, wanted, version, confirmed } = entry;
      if (confirmed >= version) continue;
      if (batch[0] !== undefined && (batch[0].wanted === undefined) !== (wanted === undefined)) continue;
      bytes += Buffer.byteLength(JSON.stringify(wanted ?? id));
      if (batch.length > 0 && bytes > batchBytesMax) break;
      entry.sent = true;
      batch.push({ entry, version, wanted });
      if (this.#oneByOne || batch.length >= batchMax) break;
    }
    return batch;
  }

  async #send(batch: readonly Sent[]): Promise<void> {
    // Not repeatable: after a reconnect the wanted state may differ.
    const options = { repeatable: false, timeoutMs: Infinity };
    const instances = batch.flatMap(({ wanted }) => (wanted === undefined ? [] : [wanted]));
    if (instances.length > 0) await this.#connection.ask({ type: 'register', instances }, options);
    else await this.#connection.ask({ type: 'deregister', instances: batch.map(({ entry }) => entry.id) }, options);
  }

  #accept(batch: readonly Sent[]): void {
    for (const { entry, version, wanted } of batch) {
      entry.taken = true;
      this.#settle(entry, version, undefined);
      if (wanted !== undefined) this.#tellSuccess(entry, wanted);
      if (wanted === undefined && entry.version === version) this.#entries.delete(entry.id);
    }
  }

  #refuse(batch: readonly Sent[], error: RegistryError): void {
    // The link has ended; the next one sends again.
    if (error.code === 'unknown_outcome' || error.code === 'cancelled') return;
    // A full registry refuses new instances for good; for an instance that it had before, it will have room
    // again.
    const full = error.code === 'resource_exhausted' && batch.some(({ entry }) => !entry.taken);
    if (!finalCodes.has(error.code) && !full) {
      for (const { entry } of batch) {
        entry.lastError = error;
        this.#tellFailure(entry, error);
      }
      this.#pause(pauseMs / 2 + (this.#random() * pauseMs) / 2);
    } else if (batch.length > 1) this.#oneByOne = true;
    else {
      for (const { entry, version } of batch) {
        this.#settle(entry, version, error);
        this.#tellFailure(entry, error);
        // After a refused update the registry keeps the earlier version; the program has got the error.
        if (!entry.taken || denials.has(error.code)) this.#askAgain(entry);
      }
    }
  }

  /** The program still holds it, so the client registers it as soon as the registry allows it. */
  #askAgain(entry: Entry): void {
    this.#clock.timer(deniedMs / 2 + (this.#random() * deniedMs) / 2, () => {
      if (this.#entries.get(entry.id) !== entry || entry.wanted === undefined || entry.confirmed < entry.version) return;
      entry.confirmed = 0;
      this.#work();
    });
  }

  #settle(entry: Entry, version: number, error: RegistryError | undefined): void {
    entry.confirmed = version;
    entry.lastError = undefined;
    entry.refusal = error;
    entry.stopTimer();
    for (const waiter of entry.waiters) if (waiter.version <= version) waiter.settle(error);
  }
}

function notTaken(timeoutMs: number): RegistryError {
  return new RegistryError('unavailable', `no registry accepted the registration within ${timeoutMs} ms; the client keeps trying`);
}
