/** A registry without an engine whose history is followed, random commands for it, and a naive model: every state is kept. */

import fc from 'fast-check';
import { pino } from 'pino';
import { manualClock } from '../manual-clock.case.ts';
import { Journal } from '../registry/journal.case.ts';
import { kinds, type Command, type Row } from '../registry/kinds.ts';
import { say } from '../replica/shared-commands.case.ts';
import { History, type HistoryOptions } from './history.ts';

const pick = fc.constantFrom;
const node = pick('n1', 'n2');
const id = pick('i1', 'i2', 'i3');
const key = pick('a', 'a/b', 'a/c', 'b');
const session = pick('s1', 's2');

const publish = (name: string, content: string): Command => ({
  ...{ kind: 'config-publish', namespace: 'default', app: 'shop', cluster: 'default', name },
  ...{ content: Buffer.from(content), md5: content, hash: content },
});

export const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(node, id, pick('web', 'db'), fc.subarray(['v1', 'v2', 'v3'])).map(([of, one, service, tags]) => ({ ...say.instance(of, one, { service, tags }), checks: [{ id: `c-${one}`, name: '', status: 'passing' as const, instance: one }] })) },
  { weight: 4, arbitrary: fc.tuple(node, id, pick('passing' as const, 'critical' as const)).map(([of, one, status]) => say.status(of, `c-${one}`, status)) },
  fc.tuple(node, id).map(([of, one]) => say.deregisterInstance(of, one)),
  node.map((name) => say.deregisterNode(name)),
  node.map((name) => say.node(name, { address: '10.0.0.2' })),
  { weight: 3, arbitrary: fc.tuple(key, pick('x', 'y')).map(([at, value]) => say.put(at, value)) },
  { weight: 2, arbitrary: key.map((at) => say.remove(at)) },
  fc.tuple(session, node).map(([of, on]) => say.session(of, on)),
  session.map((of) => say.destroy(of)),
  fc.tuple(key, session).map(([at, of]) => say.acquire(at, of)),
  fc.tuple(pick('l1', 'l2'), session).map(([name, of]) => say.lock(name, of)),
  fc.tuple(pick('l1', 'l2'), session).map(([name, of]) => say.unlock(name, of)),
  fc.tuple(pick('app', 'db'), pick('one', 'two')).map(([name, content]) => publish(name, content)),
  fc.tuple(pick('q1', 'q2'), pick('a', 'b')).map(([of, name]) => say.query(of, name)),
  pick('team').map((name) => say.namespace(name)),
  key.map((at) => say.putIn('team', at, 'x')),
  pick('team').map((name) => say.deleteNamespace(name)),
);

/** What the naive model keeps of one state: its rows, except those that no view shows. */
export type Rows = ReadonlyMap<string, Row>;

export function rowsOf(entries: Iterable<readonly [string, Row]>): Rows {
  return new Map(Array.from(entries).filter(([, row]) => kinds.of(row).unseen !== true).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** A journal whose history is followed, and the rows after each transaction. */
export function world(bytesMax: number, options: Partial<HistoryOptions> = {}) {
  const journal = new Journal();
  const clock = manualClock();
  const history = new History({ state: journal.state, clock, bytesMax, log: pino({ level: 'silent' }), ...options });
  history.start();
  const states = new Map<number, Rows>([[0, new Map()]]);
  const times = new Map<number, number>();
  const buckets = new Set<string>();
  const keys = new Set<string>();
  const commit = (commands: readonly Command[]) => {
    for (const one of commands) {
      clock.advance(10);
      const before = journal.state.revision;
      for (let left: Command | undefined = one; left !== undefined; ) {
        const { outcomes, changes, revision } = journal.step([left], clock.now());
        if (changes.length > 0) history.observe(changes, revision);
        const [outcome] = outcomes;
        left = outcome !== undefined && 'next' in outcome ? outcome.next : undefined;
      }
      if (journal.state.revision === before) continue;
      const rows = rowsOf(journal.state.rows());
      states.set(journal.state.revision, rows);
      times.set(journal.state.revision, clock.now());
      for (const [at, row] of rows) {
        keys.add(at);
        for (const name of kinds.bucketsOf(row)) buckets.add(name);
      }
    }
  };
  return { journal, clock, history, states, times, buckets, keys, commit };
}

