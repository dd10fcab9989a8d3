/**
 * Decisions that take something away, and what goes with it.
 *
 * The cascades call each other, so they live together: a node takes its instances, checks and
 * sessions; an instance its checks; a check that fails or goes takes the sessions bound to it; a
 * session its locks, the instances it vouches for and the records bound to it. Any of these may be
 * many, so each yields where the work may stop (`steps.ts`). What depends on something goes before it:
 * a lock is never left without its session, nor an instance without only the check that fails.
 */

import type { DeregisterNode } from './command.ts';
import { removeKey, wasThere } from './decide-kv.ts';
import type { Draft } from './draft.ts';
import { find } from './reader.ts';
import { keys, type CheckRow, type SessionRow } from './rows.ts';
import type { Steps } from './steps.ts';

/** An instance with more checks than this may go in several steps, the failing ones last. */
const checksAtOnce = 256;

/** What one decision removes. */
export class Removal {
  readonly #draft: Draft;
  readonly #now: number;
  /** Sessions that are being ended: one may be bound to a check of an instance that it vouches for. */
  readonly #ending = new Set<string>();

  /** @param now wall clock in milliseconds, for lock delays */
  constructor(draft: Draft, now: number) {
    this.#draft = draft;
    this.#now = now;
  }

  /** @returns false when there is no such node */
  *node({ node, asOf }: Pick<DeregisterNode, 'node' | 'asOf'>): Steps<boolean> {
    const draft = this.#draft;
    if (find.node(draft, node) === undefined) return false;
    let younger = false;
    const goes = (revision: number): boolean => {
      const old = wasThere(revision, asOf);
      younger ||= !old;
      return old;
    };
    for (const { id, created } of find.sessionsOnNode(draft, node)) {
      if (goes(created)) yield* this.session(id);
      yield;
    }
    for (const { id, modified } of find.instancesOnNode(draft, node)) {
      if (goes(modified)) yield* this.instance(node, id);
      yield;
    }
    // A check whose status moves meanwhile is no newer for that.
    for (const { id, created } of find.checksOnNode(draft, node)) {
      if (goes(created)) yield* this.check(node, id);
      yield;
    }
    // What was registered on it meanwhile came after its removal, and brought it back.
    if (!younger) draft.delete(keys.node(node));
    return true;
  }

  /** @returns false when there is no such instance */
  *instance(node: string, id: string): Steps<boolean> {
    const draft = this.#draft;
    if (find.instance(draft, node, id) === undefined) return false;
    const checks = [...find.checksOfInstance(draft, node, id)];
    if (checks.length > checksAtOnce) checks.sort((a, b) => severity(a) - severity(b));
    for (const check of checks) yield* this.sessionsWithCheck(node, check.id);
    for (const [at, check] of checks.entries()) {
      if ((at + 1) % checksAtOnce === 0) yield;
      draft.delete(keys.check(node, check.id));
    }
    draft.delete(keys.instance(node, id));
    return true;
  }

  /** @returns false when there is no such check */
  *check(node: string, id: string): Steps<boolean> {
    if (find.check(this.#draft, node, id) === undefined) return false;
    yield* this.sessionsWithCheck(node, id);
    this.#draft.delete(keys.check(node, id));
    return true;
  }

  /**
   * Ends a session. An explicit destroy, too, starts the lock delay of every key that it held, as in
   * Consul (https://developer.hashicorp.com/consul/docs/automate/session); a release does not.
   * @returns false when there is no such session
   */
  *session(id: string): Steps<boolean> {
    const draft = this.#draft;
    const session = find.session(draft, id);
    if (session === undefined || this.#ending.has(id)) return false;
    this.#ending.add(id);
    if (session.ending !== true) draft.put({ ...session, ending: true });
    for (const held of find.heldBySession(draft, id)) {
      if (held.kind === 'instance') yield* this.instance(held.node, held.id);
      else if (held.kind === 'record') draft.delete(keys.record(held.type, held.id));
      else this.#letGo(session, held.key);
      yield;
    }
    draft.delete(keys.session(id));
    return true;
  }

  /** Ends the sessions that a check keeps alive: to be done before it fails, or goes. */
  *sessionsWithCheck(node: string, check: string): Steps<void> {
    for (const { id } of find.sessionsWithCheck(this.#draft, node, check)) {
      yield* this.session(id);
      yield;
    }
  }

  /** Ends the sessions that a check is about to end, if it turns critical now. */
  *clearWay(node: string, { id, status }: Pick<CheckRow, 'id' | 'status'>): Steps<void> {
    if (status !== 'critical' || find.check(this.#draft, node, id)?.status === 'critical') return;
    yield* this.sessionsWithCheck(node, id);
  }

  #letGo({ behavior, lockDelayMs }: SessionRow, key: string): void {
    const draft = this.#draft;
    const held = find.kv(draft, key);
    if (held === undefined) return;
    if (behavior === 'delete') removeKey(draft, key);
    else {
      const { session: _released, ...rest } = held;
      draft.put(rest);
    }
    if (lockDelayMs === 0) return;
    const untilMs = this.#now + lockDelayMs;
    draft.put({ kind: 'delay', key, untilMs, delayMs: lockDelayMs, created: 0, modified: 0 });
  }
}

function severity({ status }: CheckRow): number {
  return ['passing', 'warning', 'critical'].indexOf(status);
}
