/**
 * The one way to locks for every front end: sessions of locks, and the requests of their contenders. It submits commands and waits for
 * grants; the rules are in the registry (`registry/kind/lock/`). Rights are the caller's business, wire forms as well.
 *
 * A session belongs to the client that shows its secret; the registry stores the secret's hash only. It is apart from the sessions of
 * registrations: its end removes no instance.
 */

import { createHash, timingSafeEqual } from 'node:crypto';
import { isRegistryError, RegistryError, type LockPurpose } from '@rollcall/protocol';
import type { Health } from '../health/health.ts';
import type { Wheel } from '../health/wheel.ts';
import { lockLimits } from '../registry/kind/lock/commands.ts';
import { findContender, findLock } from '../registry/kind/lock/find.ts';
import { lockBuckets } from '../registry/kind/lock/keys.ts';
import { holds, partsOf, stands, tokenOf, type HolderRow } from '../registry/kind/lock/rows.ts';
import { contenderView } from '../registry/kind/lock/views.ts';
import { findLiveSession, findSession } from '../registry/kind/session/find.ts';
import { sessionKey } from '../registry/kind/session/keys.ts';
import type { SessionRow } from '../registry/kind/session/rows.ts';
import type { Registry } from '../registry/registry.ts';
import { lockClientFields, type LockClient } from './lock-client.ts';

/** Names a session, which the caller has proved to be its own. */
export interface SessionRef {
  readonly namespace: string;
  readonly id: string;
}

/** Names a contender of a session. */
export interface ContenderRef {
  readonly session: SessionRef;
  /** Of the lock. */
  readonly name: string;
  /** Of the contender. */
  readonly id: string;
}

export interface SessionWish {
  readonly ttlMs: number;
  /** For people. */
  readonly name: string;
  /** Who opens it, for people. */
  readonly by: LockClient;
  /** Who vouches for it (`net/principal.ts`). */
  readonly principal: string;
}

export interface AcquireWish {
  readonly limit: number;
  readonly shared?: true | undefined;
  readonly value?: string | undefined;
  readonly purpose?: LockPurpose | undefined;
  /** Longest wait in milliseconds; 0: it does not join the queue; `Infinity`: until it gets the lock. */
  readonly waitMs: number;
  /** Ends the waiting here; the contender stays in the queue, and may be asked for again. */
  readonly signal: AbortSignal;
}

/** `late`: it has left the queue after `waitMs`. `busy`: the lock was not free, and it has not waited. */
export type Acquired = { readonly token: bigint } | 'busy' | 'late';

/** A grant, as its holder knows it. */
export interface Grant {
  readonly name: string;
  readonly id: string;
  readonly token: bigint;
}

export interface LocksOptions {
  readonly registry: Registry;
  readonly health: Health;
  readonly wheel: Wheel;
}

export class Locks {
  readonly #options: LocksOptions;

  constructor(options: LocksOptions) {
    this.#options = options;
  }

  /**
   * Creates a session, or takes it over from the connection that had it: its time starts again.
   * @returns revision of its row, by which `endIfUnchanged` knows that no other connection has taken it over
   * @throws RegistryError `permission_denied` for the session of another client; `not_found` when it is ending
   */
  async open(session: SessionRef, secret: string, { ttlMs, name, by, principal }: SessionWish): Promise<number> {
    const { registry } = this.#options;
    const { namespace, id } = session;
    for (let attempt = 1; findSession(registry.state, namespace, id) === undefined; attempt++) {
      try {
        await registry.submit({
          ...{ kind: 'session-create', namespace, id, name, node: '', liveness: 'ttl', ttlMs, strict: true },
          ...{ lockDelayMs: 0, behavior: 'delete', checks: [], foreign: { lock: { secretSha256: hashOf(secret), ...lockClientFields(by) } } },
        });
        return this.revisionOf(session);
      } catch (error) {
        // Another connection of this client has created it meanwhile.
        if (attempt > 1 || !isRegistryError(error, 'already_exists')) throw error;
      }
    }
    this.prove(session, secret);
    if (!(await this.#renewInLog(session))) throw ended(id);
    this.#options.health.renewSession(namespace, id, principal);
    return this.revisionOf(session);
  }

  /** @throws RegistryError `permission_denied` unless the secret is that of the session; `not_found` when there is none */
  prove({ namespace, id }: SessionRef, secret: string): void {
    const row = findSession(this.#options.registry.state, namespace, id);
    if (row === undefined) throw ended(id);
    const [known, given] = [Buffer.from(secretHash(row)), Buffer.from(hashOf(secret))];
    if (known.length === given.length && timingSafeEqual(known, given)) return;
    throw new RegistryError('permission_denied', `session ${id} belongs to another client; choose another random id`);
  }

  /**
   * Starts the time of a session again, and looks whether its grants still stand. On a store that several nodes share, the renewal is a
   * write: whichever node passes a verdict on the session has seen it, or its verdict does nothing.
   * @returns undefined when the session has ended; else the ids of those grants that do not stand any more
   */
  async renew(session: SessionRef, grants: readonly Grant[], principal: string): Promise<readonly string[] | undefined> {
    const { registry, health } = this.#options;
    const { namespace, id } = session;
    if (!registry.isOnlyWriter && !(await this.#renewInLog(session))) return undefined;
    const renewed = health.renewSession(namespace, id, principal);
    if (!renewed || findLiveSession(registry.state, namespace, id) === undefined) return undefined;
    return grants.filter((grant) => !this.#stands(session, grant)).map((grant) => grant.id);
  }

  /** Ends a session: the next contenders get its locks. @returns whether there was one */
  end({ namespace, id }: SessionRef): Promise<boolean> {
    return this.#options.registry.submit({ kind: 'session-destroy', namespace, id });
  }

  /** Ends the session of a connection that has died, unless another connection has taken it over. @param revision as `open` returned it */
  endIfUnchanged({ namespace, id }: SessionRef, revision: number): Promise<boolean> {
    return this.#options.registry.submit({ kind: 'session-destroy', namespace, id, judged: { key: sessionKey(namespace, id), revision } });
  }

  /**
   * Waits until the contender holds the lock. A second call for the same contender continues where the first one stands.
   * @throws RegistryError `not_found` when the session has ended, and as `decide.ts` says; the signal's reason
   */
  async acquire(contender: ContenderRef, { limit, shared, value, purpose, waitMs, signal }: AcquireWish): Promise<Acquired> {
    const { registry } = this.#options;
    const { session: { namespace, id: session }, name, id } = contender;
    this.#checkRoom(namespace, name);
    const answer = await registry.submit({
      ...{ kind: 'lock-acquire', namespace, name, id, session, limit, wait: waitMs > 0 },
      ...(shared === undefined ? {} : { shared }),
      ...(value === undefined ? {} : { value }),
      ...(purpose === undefined ? {} : { purpose }),
    });
    if (answer === 'busy') return 'busy';
    const row = await this.#granted(contender, waitMs, signal);
    if (row === 'late') {
      await this.release(contender);
      return 'late';
    }
    if (row === undefined) {
      if (findLiveSession(registry.state, namespace, session) === undefined) throw ended(session);
      throw new RegistryError('cancelled', `contender ${id} has left the queue of lock ${JSON.stringify(name)}`);
    }
    return { token: tokenOf(row) };
  }

  /** @returns whether the contender held the lock or waited for it */
  release({ session: { namespace, id: session }, name, id }: ContenderRef): Promise<boolean> {
    return this.#options.registry.submit({ kind: 'lock-release', namespace, name, id, session });
  }

  /** @throws RegistryError `not_found` when no such contender waits @returns false when the contender does not hold the lock */
  transfer({ session: { namespace, id: session }, name, id }: ContenderRef, to: string): Promise<boolean> {
    return this.#options.registry.submit({ kind: 'lock-transfer', namespace, name, id, session, to });
  }

  /**
   * Takes a contender out of a lock without the proof of its session, as an operator does: the next one gets the lock, with a higher token. The
   * client of the contender learns it when it renews its session, or at once while it waits.
   * @returns false when there is no such contender
   */
  async expel(namespace: string, name: string, id: string): Promise<boolean> {
    const contender = await this.#of(namespace, name, id);
    return contender !== undefined && this.release(contender);
  }

  /**
   * Gives a lock from its holder to a contender that waits, without the proof of the holder's session.
   * @throws RegistryError `not_found` when no such contender waits @returns false when the first one does not hold the lock
   */
  async handOver(namespace: string, name: string, id: string, to: string): Promise<boolean> {
    const contender = await this.#of(namespace, name, id);
    return contender !== undefined && this.transfer(contender, to);
  }

  /** Resolves with the contender when it holds the lock; `late` after the time; undefined when it is gone. */
  #granted(contender: ContenderRef, waitMs: number, signal: AbortSignal): Promise<HolderRow | 'late' | undefined> {
    const { registry: { state, views }, wheel } = this.#options;
    const { session: { namespace }, name, id } = contender;
    return new Promise((resolve, reject) => {
      const stops: (() => void)[] = [];
      const settle = (end: () => void) => {
        for (const stop of stops.splice(0)) stop();
        end();
      };
      const look = () => {
        const row = findContender(state, namespace, name, id);
        if (row === undefined) settle(() => resolve(undefined));
        else if (holds(row)) settle(() => resolve(row));
        return row !== undefined && !holds(row);
      };
      if (!look()) return;
      if (signal.aborted) {
        reject(signal.reason as Error);
        return;
      }
      stops.push(views.watch(contenderView(namespace, name, id), look));
      const onAbort = () => settle(() => reject(signal.reason as Error));
      signal.addEventListener('abort', onAbort);
      stops.push(() => signal.removeEventListener('abort', onAbort));
      if (waitMs === Infinity) return;
      const timer = wheel.schedule(waitMs, () => settle(() => resolve('late')));
      stops.push(() => timer.cancel());
    });
  }

  /** A contender with its session. A decision compares both, and an id is never used again. */
  async #of(namespace: string, name: string, id: string): Promise<ContenderRef | undefined> {
    const { registry } = this.#options;
    if (!registry.isOnlyWriter) await registry.barrier();
    const row = findContender(registry.state, namespace, name, id);
    return row === undefined ? undefined : { session: { namespace, id: row.session }, name, id };
  }

  #stands({ namespace, id: session }: SessionRef, { name, id, token }: Grant): boolean {
    const { state } = this.#options.registry;
    const row = findContender(state, namespace, name, id);
    return stands(row, state.base) && row.session === session && tokenOf(row) === token;
  }

  #renewInLog({ namespace, id }: SessionRef): Promise<boolean> {
    return this.#options.registry.submit({ kind: 'session-renew', namespace, id });
  }

  /** Revision of its row; 0 when it has ended. */
  revisionOf({ namespace, id }: SessionRef): number {
    return findSession(this.#options.registry.state, namespace, id)?.modified ?? 0;
  }

  #checkRoom(namespace: string, name: string): void {
    const { state } = this.#options.registry;
    if (state.bucketSize(lockBuckets.all(namespace)) < lockLimits.locksMax || findLock(state, namespace, name) !== undefined) return;
    throw new RegistryError('resource_exhausted', `namespace ${namespace} has ${lockLimits.locksMax} locks in use, which is the limit`);
  }
}

/** @returns undefined for a text that is no token */
export function parseToken(text: string): { readonly revision: number; readonly nth: number } | undefined {
  return /^[1-9]\d{0,19}$/.test(text) ? partsOf(BigInt(text)) : undefined;
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

function secretHash({ foreign }: SessionRow): string {
  const lock = foreign?.['lock'];
  if (typeof lock !== 'object' || lock === null || !('secretSha256' in lock)) return '';
  return typeof lock.secretSha256 === 'string' ? lock.secretSha256 : '';
}

function ended(id: string): RegistryError {
  return new RegistryError('not_found', `session ${id} does not exist, or has ended`);
}
