/**
 * Random commands about locks against a naive model: lists, and a queue that is read from its beginning. After every batch the holders,
 * their order and the queues are the same, and no token is as low as one that was given before.
 */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Journal } from '../../journal.case.ts';
import type { Command } from '../../kinds.ts';
import { findPrunable } from '../../prune.ts';
import { holdersOf, locksIn, queueOf, waitersOf } from './find.ts';
import { tokenOf } from './rows.ts';

const numRuns = Number(process.env['ROLLCALL_RUNS'] ?? 300);
const namespace = 'default';
const names = ['x', 'y'];
const sessions = ['s1', 's2', 's3'];
const ids = ['a', 'b', 'c', 'd'];

interface Contender {
  readonly id: string;
  readonly session: string;
  readonly shared: boolean;
}

class Model {
  readonly sessions = new Set<string>();
  readonly locks = new Map(names.map((name) => [name, { limit: 1, holders: [] as Contender[], queue: [] as Contender[] }]));

  run(command: Command): unknown {
    switch (command.kind) {
      case 'session-create':
        if (this.sessions.has(command.id)) return 'already_exists';
        this.sessions.add(command.id);
        return true;
      case 'session-destroy':
        if (!this.sessions.delete(command.id)) return false;
        for (const lock of this.locks.values()) {
          lock.holders = lock.holders.filter(({ session }) => session !== command.id);
          lock.queue = lock.queue.filter(({ session }) => session !== command.id);
        }
        return true;
      case 'lock-acquire': {
        const lock = this.#lock(command.name);
        const { id, session, limit, shared = false } = command;
        const known = [...lock.holders, ...lock.queue].find((each) => each.id === id);
        if (known !== undefined) return known.session !== session ? 'already_exists' : lock.holders.includes(known) ? 'holds' : 'waits';
        if (!this.sessions.has(session)) return 'not_found';
        if (shared && limit !== 1) return 'invalid_argument';
        if (lock.holders.length + lock.queue.length > 0 && lock.limit !== limit) return 'failed_precondition';
        const me = { id, session, shared };
        if (lock.queue.length === 0 && fits(lock.holders, me, limit)) {
          lock.limit = limit;
          lock.holders.push(me);
          return 'holds';
        }
        if (!command.wait) return 'busy';
        lock.queue.push(me);
        return 'waits';
      }
      case 'lock-release': {
        const lock = this.#lock(command.name);
        const isOwn = (each: Contender) => each.id === command.id && each.session === command.session;
        const found = [...lock.holders, ...lock.queue].some(isOwn);
        lock.holders = lock.holders.filter((each) => !isOwn(each));
        lock.queue = lock.queue.filter((each) => !isOwn(each));
        return found;
      }
      case 'lock-transfer': {
        const lock = this.#lock(command.name);
        const own = lock.holders.find(({ id, session }) => id === command.id && session === command.session);
        if (own === undefined) return false;
        const to = lock.queue.find(({ id }) => id === command.to);
        if (to === undefined) return 'not_found';
        const others = lock.holders.filter((each) => each !== own);
        if (!fits(others, to, lock.limit)) return 'failed_precondition';
        lock.queue = lock.queue.filter((each) => each !== to);
        lock.holders = [...others, to];
        return true;
      }
      default:
        return true;
    }
  }

  /** Gives every lock that has room to the first of its queue. */
  settle(): void {
    for (const lock of this.locks.values()) {
      for (let first = lock.queue[0]; first !== undefined && fits(lock.holders, first, lock.limit); first = lock.queue[0]) {
        lock.holders.push(first);
        lock.queue.shift();
      }
    }
  }

  #lock(name: string) {
    const lock = this.locks.get(name);
    if (lock === undefined) throw new Error(name);
    return lock;
  }
}

function fits(holders: readonly Contender[], one: Contender, limit: number): boolean {
  if (one.shared || holders.some(({ shared }) => shared)) return holders.every(({ shared }) => shared && one.shared);
  return holders.length < limit;
}

const pick = (from: readonly string[]) => fc.constantFrom(...from);
const contender = { namespace: fc.constant(namespace), name: pick(names), id: pick(ids), session: pick(sessions) };
const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ id: pick(sessions) }).map(({ id }): Command => ({ kind: 'session-create', namespace, id, name: '', node: '', liveness: 'ttl', ttlMs: 10_000, lockDelayMs: 0, behavior: 'release', checks: [] })),
  { weight: 5, arbitrary: fc.record({ ...contender, limit: fc.constantFrom(1, 1, 1, 2), shared: fc.boolean(), wait: fc.constantFrom(true, true, false) }).map(({ shared, ...rest }): Command => ({ kind: 'lock-acquire', ...rest, ...(shared ? { shared } : {}) })) },
  { weight: 3, arbitrary: fc.record(contender).map((rest): Command => ({ kind: 'lock-release', ...rest })) },
  fc.record({ ...contender, to: pick(ids) }).map((rest): Command => ({ kind: 'lock-transfer', ...rest })),
  pick(sessions).map((id): Command => ({ kind: 'session-destroy', namespace, id })),
);

test('the state machine does what the model does', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ commands: fc.array(command, { minLength: 1, maxLength: 6 }), next: fc.constantFrom('nothing', 'nothing', 'restart', 'prune') }), { maxLength: 20 }), fc.boolean(), (batches, shared) => {
      const journal = new Journal();
      if (shared) journal.nodeId = 'n1';
      const model = new Model();
      const last = new Map<string, bigint>();
      const known = new Set<string>();
      for (const { commands, next } of batches) {
        const expected = commands.map((each) => {
          const answer = model.run(each);
          model.settle();
          return answer;
        });
        const answers = journal.commit(commands).outcomes.map((outcome) => ('error' in outcome ? outcome.error.code : outcome.result));
        expect(answers).toEqual(expected);
        if (next === 'restart') journal.restart();
        if (next === 'prune') for (let found = findPrunable(journal.state, 0), step = found.next(); ; step = found.next()) {
          if (step.done !== true) continue;
          journal.commit([{ kind: 'prune', keys: step.value }]);
          break;
        }
        for (const name of names) {
          const held = Array.from(holdersOf(journal.state, namespace, name)).sort((a, b) => (tokenOf(a) < tokenOf(b) ? -1 : 1));
          const queue = Array.from(waitersOf(journal.state, namespace, name)).sort((a, b) => a.order - b.order);
          expect(queueOf(journal.state, namespace, name)).toEqual(queue);
          const lock = model.locks.get(name);
          expect([name, held.map(({ id }) => id), queue.map(({ id }) => id)]).toEqual([name, lock?.holders.map(({ id }) => id), lock?.queue.map(({ id }) => id)]);
          const tokens = held.map((row) => [`${name} ${row.id} ${tokenOf(row)}`, tokenOf(row)] as const).filter(([grant]) => !known.has(grant));
          for (const [grant, token] of tokens) {
            expect(token).toBeGreaterThan(last.get(name) ?? -1n);
            last.set(name, token);
            known.add(grant);
          }
          const row = Array.from(locksIn(journal.state, namespace)).find((each) => each.name === name);
          expect([row?.holding ?? 0, row?.waiting ?? 0]).toEqual([held.length, queue.length]);
        }
      }
    }),
    { numRuns },
  );
});
