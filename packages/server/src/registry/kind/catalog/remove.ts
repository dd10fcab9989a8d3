/**
 * Decisions that take something away, and what goes with it.
 *
 * The cascades call each other, so they live together: a node takes its instances, checks and
 * sessions; an instance its checks; a check that fails or goes takes the sessions bound to it; a
 * session its locks, the instances it vouches for and the records bound to it. Any of these may be
 * many, so each yields where the work may stop (`steps.ts`). What depends on something goes before it:
 * a lock is never left without its session, nor an instance without only the check that fails.
 */

import type { DeregisterNode } from '../../command.ts';
import { removeKey, wasThere } from '../kv/decide.ts';
import type { Draft } from '../../draft.ts';
import { find, namespaceNames } from '../../reader.ts';
import { keys, type CheckRow, type SessionRow } from '../../rows.ts';
import type { Steps } from '../../steps.ts';

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
    for (const namespace of namespaceNames(draft)) {
      for (const { id, created } of find.sessionsOnNode(draft, namespace, node)) {
        if (goes(created)) yield* this.session(namespace, id);
        yield;
      }
      for (const { id, modified } of find.instancesOnNode(draft, namespace, node)) {
        if (goes(modified)) yield* this.instance(namespace, node, id);
        yield;
      }
      // A check whose status moves meanwhile is no newer for that.
      for (const { id, created } of find.checksOnNode(draft, namespace, node)) {
        if (goes(created)) yield* this.check(namespace, node, id);
        yield;
      }
    }
    // What was registered on it meanwhile came after its removal, and brought it back.
    if (!younger) draft.delete(keys.node(node));
    return true;
  }

  /** @returns false when there is no such instance */
  *instance(namespace: string, node: string, id: string): Steps<boolean> {
    const draft = this.#draft;
    if (find.instance(draft, namespace, node, id) === undefined) return false;
    const checks = [...find.checksOfInstance(draft, namespace, node, id)];
    // An instance with more checks than this may go in several steps, the failing ones last.
    const checksAtOnce = Math.ceil(draft.fill.bound.rows / 4);
    if (checks.length > checksAtOnce) checks.sort((a, b) => severity(a) - severity(b));
    for (const check of checks) yield* this.sessionsWithCheck(check);
    for (const [at, check] of checks.entries()) {
      if ((at + 1) % checksAtOnce === 0) yield;
      draft.delete(keys.check(namespace, node, check.id));
    }
    draft.delete(keys.instance(namespace, node, id));
    return true;
  }

  /** @returns false when there is no such check */
  *check(namespace: string, node: string, id: string): Steps<boolean> {
    if (find.check(this.#draft, namespace, node, id) === undefined) return false;
    yield* this.sessionsWithCheck({ namespace, node, id });
    this.#draft.delete(keys.check(namespace, node, id));
    return true;
  }

  /**
   * Ends a session. An explicit destroy, too, starts the lock delay of every key that it held, as in
   * Consul (https://developer.hashicorp.com/consul/docs/automate/session); a release does not.
   * @returns false when there is no such session
   */
  *session(namespace: string, id: string): Steps<boolean> {
    const draft = this.#draft;
    const key = keys.session(namespace, id);
    const session = find.session(draft, namespace, id);
    if (session === undefined || this.#ending.has(key)) return false;
    this.#ending.add(key);
    if (session.ending !== true) draft.put({ ...session, ending: true });
    for (const held of find.heldBySession(draft, namespace, id)) {
      if (held.kind === 'instance') yield* this.instance(namespace, held.node, held.id);
      else if (held.kind === 'kv') this.#letGo(session, held.key);
      // What else is bound to a session goes with it.
      else draft.delete(draft.kinds.keyOf(held));
      yield;
    }
    draft.delete(key);
    return true;
  }

  /** Ends the sessions that a check keeps alive: to be done before it fails, or goes. */
  *sessionsWithCheck({ namespace, node, id: check }: Pick<CheckRow, 'namespace' | 'node' | 'id'>): Steps<void> {
    for (const session of find.sessionsWithCheck(this.#draft, namespace, node, check)) {
      yield* this.session(session.namespace, session.id);
      yield;
    }
  }

  /** Ends the sessions that a check is about to end, if it turns critical now. */
  *clearWay(check: Pick<CheckRow, 'namespace' | 'node' | 'id'>, status: CheckRow['status']): Steps<void> {
    const { namespace, node, id } = check;
    if (status !== 'critical') return;
    const before = find.check(this.#draft, namespace, node, id);
    // No session is bound to a check that does not exist.
    if (before !== undefined && before.status !== 'critical') yield* this.sessionsWithCheck(check);
  }

  #letGo({ namespace, behavior, lockDelayMs }: SessionRow, key: string): void {
    const draft = this.#draft;
    const held = find.kv(draft, namespace, key);
    if (held === undefined) return;
    if (behavior === 'delete') removeKey(draft, held);
    else {
      const { session: _released, ...rest } = held;
      draft.put(rest);
    }
    if (lockDelayMs === 0) return;
    const untilMs = this.#now + lockDelayMs;
    draft.put({ kind: 'delay', namespace, key, untilMs, delayMs: lockDelayMs, created: 0, modified: 0 });
  }
}

function severity({ status }: CheckRow): number {
  return ['passing', 'warning', 'critical'].indexOf(status);
}
