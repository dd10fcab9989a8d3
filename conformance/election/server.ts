/** The server of a simulated world: the production state machine and lock requests, without engine, sockets and wheel. */

import { pino } from 'pino';
import type { Clock } from '../../packages/client/src/clock.ts';
import { RegistryError, type ReplyFrame } from '../../packages/protocol/src/index.ts';
import type { StreamAccess } from '../../packages/server/src/frontend/stream/access.ts';
import { LockRequests, type LockFrame } from '../../packages/server/src/frontend/stream/lock-requests.ts';
import type { Health } from '../../packages/server/src/health/health.ts';
import type { Wheel } from '../../packages/server/src/health/wheel.ts';
import { Locks } from '../../packages/server/src/locks/locks.ts';
import type { Context } from '../../packages/server/src/net/frontend.ts';
import { Journal } from '../../packages/server/src/registry/journal.case.ts';
import { holdersOf } from '../../packages/server/src/registry/kind/lock/find.ts';
import { tokenOf, type ContenderRow, type HolderRow } from '../../packages/server/src/registry/kind/lock/rows.ts';
import { findLiveSession, findSession } from '../../packages/server/src/registry/kind/session/find.ts';
import { sessionKey } from '../../packages/server/src/registry/kind/session/keys.ts';
import type { SessionRow } from '../../packages/server/src/registry/kind/session/rows.ts';
import { encodeRow, keyOf, type Command, type Result } from '../../packages/server/src/registry/kinds.ts';
import type { Registry } from '../../packages/server/src/registry/registry.ts';
import type { SimulatedClient } from './client.ts';
import type { Process } from './events.ts';
import type { World } from './world.ts';

const log = pino({ level: 'silent' });
const namespace = 'default';
/** The lock that all clients want. */
export const lock = 'jobs';

/** Two ends that notice the end of a link at different moments. */
export interface Link {
  readonly client: SimulatedClient;
  readonly requests: LockRequests;
  clientUp: boolean;
  serverUp: boolean;
}

export class SimulatedServer {
  readonly process: Process;
  readonly #world: World;
  readonly #journal = new Journal();
  readonly #links = new Set<Link>();
  /** When each session ends, on the server's clock; undefined while the server is down. */
  readonly #ends = new Map<string, () => void>();
  /** Sessions on which a verdict is under way. */
  readonly #ending = new Set<string>();
  #locks: Locks;
  #clock: Clock;
  #last = 0n;
  downUntil = 0;

  constructor(world: World) {
    this.#world = world;
    this.process = world.process();
    this.#clock = world.clockOf(this.process);
    this.#locks = this.#makeLocks();
  }

  get holders(): readonly HolderRow[] {
    return [...holdersOf(this.#journal.state, namespace, lock)];
  }

  connect(client: SimulatedClient): Link | undefined {
    if (this.#world.now < this.downUntil || this.#world.now < client.isUnreachableUntil) return undefined;
    const context = { registry: this.#registry, locks: this.#locks, log } as unknown as Context;
    const access = { require: () => {}, principal: client.name } as unknown as StreamAccess;
    const link: Link = { client, requests: new LockRequests({ context, access, namespace: () => namespace, client: () => ({ client: client.name }) }), clientUp: true, serverUp: true };
    this.#links.add(link);
    return link;
  }

  receive(link: Link, frame: LockFrame): void {
    if (!link.serverUp) return;
    link.requests.answer(frame).then(
      (reply) => this.#answer(link, reply),
      (error: RegistryError) => this.#answer(link, { type: 'error', id: frame.id, code: error.code, message: error.message }),
    );
  }

  /** Both ends of the client's link notice that it is broken, each at its time. */
  cut(client: SimulatedClient, clientMs: number, serverMs: number): void {
    const { link } = client;
    if (link === undefined) return;
    this.#world.at(client.process, clientMs, () => client.lost(link));
    this.#world.at(this.process, serverMs, () => this.#drop(link));
  }

  /** Dies, and starts again: what was committed stays, deadlines begin in full. */
  restart(downMs: number): void {
    this.downUntil = this.#world.now + downMs;
    for (const link of this.#links) {
      link.serverUp = false;
      this.#world.at(link.client.process, this.#world.random() * 50, () => link.client.lost(link));
    }
    this.#links.clear();
    for (const stop of this.#ends.values()) stop();
    this.#ends.clear();
    this.#ending.clear();
    this.#journal.restart();
    this.#locks = this.#makeLocks();
    this.#world.at(this.process, downMs, () => {
      for (const row of this.#journal.state.bucket(`sessions\0${namespace}`)) this.#watch(row as SessionRow);
    });
  }

  #drop(link: Link): void {
    if (!link.serverUp) return;
    link.serverUp = false;
    this.#links.delete(link);
    link.requests.close('died');
  }

  #answer(link: Link, reply: ReplyFrame): void {
    if (!link.serverUp) return;
    this.#world.at(link.client.process, this.#world.random() * 30, () => link.client.answered(link, reply));
  }

  #makeLocks(): Locks {
    const renewSession = (_namespace: string, id: string): boolean => {
      const row = findLiveSession(this.#journal.state, namespace, id);
      // As in `health/sessions.ts`: a verdict that is under way stands.
      if (row === undefined || this.#ending.has(id)) return false;
      this.#watch(row);
      return true;
    };
    const schedule = (delayMs: number, run: () => void) => ({ cancel: this.#clock.timer(delayMs, run) });
    return new Locks({ registry: this.#registry, health: { renewSession } as unknown as Health, wheel: { schedule } as unknown as Wheel });
  }

  get #registry(): Registry {
    const journal = () => this.#journal;
    return {
      get state() {
        return journal().state;
      },
      get views() {
        return journal().views;
      },
      // Half of the worlds renew in the log, as on a store that several nodes share.
      isOnlyWriter: this.#world.options.seed % 2 === 0,
      submit: <C extends Command>(command: C) => this.#submit(command),
    } as unknown as Registry;
  }

  /** Commands that come close together are one transaction. */
  #submit<C extends Command>(command: C): Promise<Result<C>> {
    if (this.#world.now < this.downUntil) return Promise.reject(new RegistryError('unavailable', 'the server is down'));
    return new Promise((resolve, reject) => {
      const waiting = this.#waiting;
      waiting.push({ command, resolve: resolve as (value: unknown) => void, reject });
      if (waiting.length === 1) this.#world.at(this.process, this.#world.random() * 4, () => this.#commit());
    });
  }

  readonly #waiting: { command: Command; resolve: (value: unknown) => void; reject: (error: unknown) => void }[] = [];

  #commit(): void {
    const batch = this.#waiting.splice(0);
    if (this.#world.now < this.downUntil) {
      // The server has died: its clients do not know whether this was committed, and it was not.
      return;
    }
    const commands = batch.flatMap(({ command }) => this.#spoiled(command));
    const { outcomes, changes } = this.#journal.commit(commands);
    let at = 0;
    for (const { command, resolve, reject } of batch) {
      const outcome = outcomes[at];
      at += this.#spoiled(command).length;
      if (outcome === undefined) continue;
      if ('error' in outcome) reject(outcome.error);
      else resolve(outcome.result);
    }
    for (const { key, after } of changes) {
      if (!key.startsWith('session\0')) continue;
      if (after?.kind === 'session') this.#watch(after);
      else {
        this.#ends.get(key)?.();
        this.#ends.delete(key);
      }
    }
    if (this.#world.options.bug === 'two waiters get the lock' && changes.some(({ key, after }) => key.startsWith('lock-contender\0') && after === undefined)) this.#giveAgain();
    this.#check();
  }

  /** Of each transaction: at most one holder, and tokens only rise. */
  #check(): void {
    const { holders } = this;
    if (holders.length > 1) this.#world.fault(`the store has ${holders.length} holders`);
    for (const row of holders) {
      const token = tokenOf(row);
      if (token === this.#last) continue;
      if (token < this.#last) this.#world.fault(`token ${token} comes after ${this.#last}`);
      this.#last = token;
      this.#world.grants++;
    }
  }

  /** The session's time begins, in full. */
  #watch(row: SessionRow): void {
    const key = sessionKey(namespace, row.id);
    this.#ends.get(key)?.();
    this.#ends.set(
      key,
      this.#clock.timer(row.ttlMs, () => {
        const revision = findSession(this.#journal.state, namespace, row.id)?.modified;
        if (revision === undefined) return;
        this.#ending.add(row.id);
        const ended = this.#submit({ kind: 'session-destroy', namespace, id: row.id, judged: { key, revision } });
        // If its row has changed meanwhile, it was renewed, and its time begins again.
        void ended.catch(() => {}).then(() => {
          this.#ending.delete(row.id);
          const left = findLiveSession(this.#journal.state, namespace, row.id);
          if (left !== undefined) this.#watch(left);
        });
      }),
    );
  }

  /** With a planted bug, a release frees whichever holder there is. */
  #spoiled(command: Command): Command[] {
    if (this.#world.options.bug !== 'a late release frees a newer holder' || command.kind !== 'session-destroy' || command.judged !== undefined) return [command];
    const [holder] = this.holders;
    return holder === undefined ? [command] : [command, { kind: 'lock-release', namespace, name: lock, id: holder.id, session: holder.session }];
  }

  /** A planted bug: one more waiter becomes a holder. */
  #giveAgain(): void {
    const [waiter] = this.#journal.state.bucket(`lock-waiters\0${namespace}\0${lock}`) as Iterable<ContenderRow>;
    if (waiter === undefined || this.holders.length === 0) return;
    const row: ContenderRow = { ...waiter, nth: 1 };
    this.#journal.rewrite([{ key: keyOf(row), value: encodeRow(row) }]);
  }
}
