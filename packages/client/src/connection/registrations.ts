/**
 * Keeps this process's instances in the registry as the program wants them. Sends one frame at a time, and
 * sends again after every loss, until everything is confirmed. It knows instances by id only; `registration.ts`
 * has the object that programs hold, and `wanted-instance.ts` the versions of one instance and who waits for them.
 *
 *   want ─► version 3 ─┐                        ┌─► confirmed 3: resolves the waits for ≤ 3
 *                      ├─ batch ─► the registry ┤
 *   want ─► version 5 ─┘                        └─► refused: rejects the waits, and tries again later
 *
 * A wanted registration is tried until the program closes it. It waits for a registry that is unreachable, is sent
 * again within a second to one that is busy, and every 5 to 10 s to one that refuses it, since tokens change.
 */

import {
  frameLimits,
  toRegistryError,
  type ErrorCode,
  type InstanceRegistration,
  type RegistryError,
  type ReplyFrame,
  type WelcomeFrame,
} from '@rollcall/protocol';
import type { Clock, Random } from '../clock.ts';
import type { ConnectionEvent } from './connection-event.ts';
import type { ConnectionPart, RegistryConnection } from './registry-connection.ts';
import { WantedInstance, type Wait } from './wanted-instance.ts';

export interface Wish {
  readonly id: string;
  /** Undefined: to be removed. */
  readonly wanted: InstanceRegistration | undefined;
}

interface Sent {
  readonly entry: WantedInstance;
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
  readonly #entries = new Map<string, WantedInstance>();
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
      const fresh = new WantedInstance(id, this.#clock);
      this.#entries.set(id, fresh);
      fresh.watchLate(this.#timeoutMs, (error) => this.#tellFailure(fresh, error));
      entry = fresh;
    }
    entry.change(wanted);
    // It was never sent, so no registry has it.
    if (wanted === undefined && !entry.sent) {
      this.#entries.delete(id);
      entry.settle(entry.version, undefined);
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
  confirmed(id: string, wait: Wait): Promise<void> {
    return this.#entries.get(id)?.settled(wait) ?? Promise.resolve();
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
    for (const entry of this.#entries.values()) entry.reject(error);
  }

  closed(): void {
    for (const entry of this.#entries.values()) entry.close();
    this.#entries.clear();
  }

  /** The registry has lost all instances of this client. */
  #forget(): void {
    for (const entry of this.#entries.values()) {
      entry.unsettle();
      entry.told = false;
    }
  }

  #tellFailure({ id, wanted }: WantedInstance, { code, message }: RegistryError): void {
    if (wanted === undefined) return;
    this.#onEvent({ kind: 'not-registered', id, service: wanted.service, code, reason: message });
  }

  #tellSuccess(entry: WantedInstance, wanted: InstanceRegistration): void {
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
      const { id, wanted, version } = entry;
      if (entry.isSettled) continue;
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
      entry.settle(version, undefined);
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
        entry.settle(version, error);
        this.#tellFailure(entry, error);
        // After a refused update the registry keeps the earlier version; the program has got the error.
        if (!entry.taken || denials.has(error.code)) this.#askAgain(entry);
      }
    }
  }

  /** The program still holds it, so the client registers it as soon as the registry allows it. */
  #askAgain(entry: WantedInstance): void {
    this.#clock.timer(deniedMs / 2 + (this.#random() * deniedMs) / 2, () => {
      if (this.#entries.get(entry.id) !== entry || entry.wanted === undefined || !entry.isSettled) return;
      entry.unsettle();
      this.#work();
    });
  }
}
