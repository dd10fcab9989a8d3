/**
 * Random commands about znodes against a naive model of ZooKeeper's tree: one map of nodes, each with a list of names. One by one, every answer and every stat is the
 * same, zxids included. Committed together, they are the same but for the zxids, and the events tell which znodes came and went.
 */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Journal } from '../../journal.case.ts';
import type { Command } from '../../kinds.ts';
import type { ZnodeCheck, ZnodeCreate, ZnodeDelete, ZnodeSet } from './commands.ts';
import { znodeEvents } from './events.ts';
import { childNames, findZnode, statOf, type ZnodeStat } from './find.ts';
import { answers, check, close, create, multi, namespace, open, remove, set } from './znode.case.ts';
import { znodeReason } from './znode-error.ts';

const numRuns = Number(process.env['ROLLCALL_RUNS'] ?? 200);
const sessions = ['s1', 's2'];

interface Node {
  data: string;
  version: number;
  sequence: number;
  changes: number;
  session: string | undefined;
  czxid: number;
  mzxid: number;
  pzxid: number;
  children: string[];
}

type Operation = ZnodeCheck | ZnodeCreate | ZnodeDelete | ZnodeSet;

class Refused extends Error {}

class Model {
  nodes = new Map<string, Node>([['', this.#node(undefined, 0)]]);
  sessions = new Set<string>();

  #node(session: string | undefined, zxid: number): Node {
    return { data: '', version: 0, sequence: 0, changes: 0, session, czxid: zxid, mzxid: zxid, pzxid: zxid, children: [] };
  }

  /** @param zxid of what it writes */
  run(command: Command, zxid: number): unknown {
    switch (command.kind) {
      case 'session-create':
        if (this.sessions.has(command.id)) return 'already_exists';
        this.sessions.add(command.id);
        return true;
      case 'session-destroy':
        if (!this.sessions.delete(command.id)) return false;
        for (const [path, { session }] of [...this.nodes]) if (session === command.id) this.#drop(path, zxid);
        return true;
      case 'txn': {
        const before = structuredClone(this.nodes);
        const done: unknown[] = [];
        for (const [at, { change }] of command.operations.entries()) {
          const answer = this.one(change as Operation, zxid);
          if (typeof answer === 'string') {
            this.nodes = before;
            return { at, reason: answer };
          }
          done.push(answer);
        }
        return done;
      }
      default:
        return this.one(command as Operation, zxid);
    }
  }

  one(command: Operation, zxid: number): unknown {
    try {
      if (!this.sessions.has(command.client.session)) throw new Refused('session-expired');
      switch (command.kind) {
        case 'znode-create':
          return this.#create(command, zxid);
        case 'znode-set': {
          const node = this.#checked(command);
          Object.assign(node, { data: Buffer.from(command.data ?? '').toString(), version: node.version + 1, mzxid: zxid });
          return this.stat(command.path);
        }
        case 'znode-delete': {
          const parent = command.path.slice(0, command.path.lastIndexOf('/'));
          if (!this.nodes.has(parent)) throw new Refused('no-node');
          if (this.#checked(command).children.length > 0) throw new Refused('not-empty');
          this.#drop(command.path, zxid);
          return true;
        }
        case 'znode-check':
          this.#checked(command);
          return true;
      }
    } catch (error) {
      if (error instanceof Refused) return error.message;
      throw error;
    }
  }

  #create({ path: given, data, mode, sequential, client: { session } }: ZnodeCreate, zxid: number): unknown {
    const up = given.slice(0, given.lastIndexOf('/'));
    const parent = this.nodes.get(up);
    if (parent === undefined) throw new Refused('no-node');
    const path = sequential === true ? given + String(parent.sequence).padStart(10, '0') : given;
    if (this.nodes.has(path)) throw new Refused('node-exists');
    if (parent.session !== undefined) throw new Refused('no-children-for-ephemerals');
    const node = this.#node(mode === 'ephemeral' ? session : undefined, zxid);
    node.data = Buffer.from(data ?? '').toString();
    this.nodes.set(path, node);
    parent.children.push(path.slice(up.length + 1));
    parent.sequence++;
    parent.changes++;
    parent.pzxid = zxid;
    return { path, stat: this.stat(path) };
  }

  #checked({ path, version }: Exclude<Operation, ZnodeCreate>): Node {
    const node = this.nodes.get(path);
    if (node === undefined) throw new Refused('no-node');
    if (version !== -1 && version !== node.version) throw new Refused('bad-version');
    return node;
  }

  #drop(path: string, zxid: number): void {
    const up = path.slice(0, path.lastIndexOf('/'));
    const parent = this.nodes.get(up) as Node;
    this.nodes.delete(path);
    parent.children = parent.children.filter((name) => `${up}/${name}` !== path);
    parent.changes++;
    parent.pzxid = zxid;
  }

  stat(path: string): Partial<ZnodeStat> {
    const { czxid, mzxid, pzxid, version, changes, session, data, children } = this.nodes.get(path) as Node;
    return { czxid, mzxid, pzxid, version, cversion: changes, aversion: 0, session, dataLength: data.length, numChildren: children.length };
  }
}

const names = ['a', 'b'];
const path = fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 3 }).map((parts) => `/${parts.join('/')}`);
const version = fc.constantFrom(-1, -1, -1, 0, 1);
const client = fc.constantFrom(...sessions).map((session) => ({ session, ids: [] }));
const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ path, client, mode: fc.constantFrom('persistent', 'persistent', 'ephemeral', 'container'), sequential: fc.boolean() }).map(({ path: of, client: by, mode, sequential }) => create(of, { client: by, mode, sequential })) },
  { weight: 2, arbitrary: fc.record({ path, client, version, data: fc.constantFrom('', 'x', 'yy') }).map(({ path: of, client: by, version: wanted, data }) => set(of, data, wanted, { client: by })) },
  { weight: 3, arbitrary: fc.record({ path, client, version }).map(({ path: of, client: by, version: wanted }) => remove(of, wanted, { client: by })) },
  fc.record({ path, version }).map(({ path: of, version: wanted }) => check(of, wanted)),
);
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 8, arbitrary: operation },
  { weight: 2, arbitrary: fc.array(operation, { minLength: 1, maxLength: 4 }).map((operations) => multi(...operations)) },
  fc.constantFrom(...sessions).map(open),
  fc.constantFrom(...sessions).map(close),
);

/** Answers in the words of the model. */
function said(journal: Journal, command: Command, zxids: boolean): unknown {
  const [outcome] = journal.commit([command]).outcomes;
  if (outcome === undefined || 'error' in outcome) return znodeReason(outcome?.error) ?? outcome?.error.code;
  const { result } = outcome;
  return shown(result, zxids);
}

function shown(result: unknown, zxids: boolean): unknown {
  if (typeof result !== 'object' || result === null) return result;
  if (Array.isArray(result)) return result.map((each) => shown(each, zxids));
  if ('failures' in result) {
    const [{ at, error }] = result.failures as [{ at: number; error: unknown }];
    return { at, reason: znodeReason(error) };
  }
  if ('answers' in result) return shown(result.answers, zxids);
  if ('path' in result) return { path: result.path, stat: shown((result as { stat?: unknown }).stat, zxids) };
  const { ctimeMs: _ctime, mtimeMs: _mtime, ...stat } = result as ZnodeStat;
  if (zxids) return stat;
  const { czxid: _czxid, mzxid: _mzxid, pzxid: _pzxid, ...rest } = stat;
  return rest;
}

function expectSame({ state }: Journal, model: Model, zxids: boolean): void {
  const found = Array.from(state.rows(), ([, row]) => (row.kind === 'znode' ? row.path : '')).filter((of) => of !== '').sort();
  expect(found).toEqual([...model.nodes.keys()].filter((of) => of !== '').sort());
  for (const [of, node] of model.nodes) {
    if (of === '') continue;
    expect([of, shown(statOf(state, namespace, of), zxids)]).toEqual([of, shown(model.stat(of), zxids)]);
    expect([...childNames(state, namespace, of)].sort()).toEqual(node.children.toSorted());
    expect(Buffer.from(findZnode(state, namespace, of)?.data ?? '').toString()).toBe(node.data);
  }
}

test('each command does what the model does, and leaves the same tree', () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 40 }), fc.boolean(), fc.constantFrom(-1, 10, 20), (commands, guarded, restartAt) => {
      const journal = new Journal();
      if (guarded) journal.nodeId = 'n1';
      const model = new Model();
      answers(journal, sessions.map(open));
      for (const id of sessions) model.run(open(id), 0);
      for (const [at, each] of commands.entries()) {
        const expected = model.run(each, journal.state.revision + 1);
        expect(said(journal, each, true)).toEqual(shown(expected, true));
        if (at === restartAt) journal.restart();
      }
      expectSame(journal, model, true);
    }),
    { numRuns },
  );
});

test('commands that are committed together leave the same tree, and events tell which znodes came and went', () => {
  fc.assert(
    fc.property(fc.array(fc.array(command, { minLength: 1, maxLength: 8 }), { maxLength: 8 }), (batches) => {
      const journal = new Journal();
      const model = new Model();
      answers(journal, sessions.map(open));
      for (const id of sessions) model.run(open(id), 0);
      const present = new Map<string, number>();
      for (const batch of batches) {
        const expected = batch.map((each) => shown(model.run(each, 0), false));
        const told: unknown[] = [];
        for (let left: readonly Command[] = batch; left.length > 0; ) {
          const before = journal.state.revision;
          const { outcomes, changes, revision } = journal.step(left);
          left = left.slice(outcomes.length);
          for (const outcome of outcomes) {
            if ('next' in outcome) left = [outcome.next, ...left];
            else told.push('error' in outcome ? (znodeReason(outcome.error) ?? outcome.error.code) : shown(outcome.result, false));
          }
          if (revision === before) continue;
          follow(present, znodeEvents(changes, revision), revision);
          const rows = Array.from(journal.state.rows(), ([, row]) => row).flatMap((row) => (row.kind === 'znode' ? [[row.path, row.modified] as const] : []));
          expect(present).toEqual(new Map(rows));
        }
        expect(told).toEqual(expected);
      }
      expectSame(journal, model, false);
    }),
    { numRuns },
  );
});

/** What a client knows that follows events alone: which znodes there are, and since when their data is as it is. */
function follow(present: Map<string, number>, events: Iterable<{ readonly type: string; readonly path: string }>, revision: number): void {
  for (const { type, path: of } of events) {
    if (type === 'created') expect(present.has(of)).toBe(false);
    if (type === 'deleted' || type === 'changed') expect(present.has(of)).toBe(true);
    if (type === 'deleted') present.delete(of);
    else if (type !== 'children') present.set(of, revision);
  }
}
