/**
 * Gives the history of a run to the checkers. A run is good when the list of breaches is empty.
 *
 * In a run with a fault that makes the store forget acknowledged writes, keys, locks and transactions are not judged: no order explains
 * a lost write. Instances have 13 seconds to register again. Indexes, fencing tokens and watchers keep all promises; of
 * guarded writes, only those that were accepted after a newer grant are looked for.
 */

import { acceptedLate, checkFencing, type FencedWrite } from './check/fencing.ts';
import { checkIndexes } from './check/index-order.ts';
import { keyModel, revisionsOf, type KeyOperation } from './check/key-model.ts';
import { linearizable, type Verdict } from './check/linearizable.ts';
import { checkListAppend } from './check/list-append.ts';
import { checkLiveness, type Life } from './check/liveness.ts';
import { lockModel, type LockOperation } from './check/lock-model.ts';
import { checkNativeLocks } from './check/native-locks.ts';
import { checkDeltas, checkWatches, type WatchEvent } from './check/watch.ts';
import { znodeModel } from './check/znode-model.ts';
import { operationOf, type HistoryEvent } from './history.ts';

export interface Judgement {
  /** Breaches by promise; empty when there are none. */
  readonly breaches: Readonly<Record<string, readonly string[]>>;
  /** The numbers of judged events, so that an empty run does not look like a good one. */
  readonly counts: Readonly<Record<string, number>>;
}

/**
 * Time in which instances that the store has forgotten register again, in milliseconds. A row of the backup may name a node whose stream has moved since:
 * that node ends the session after its grace, 10 s at most, and the client registers again.
 */
const againMs = 13_000;

export interface JudgeOptions {
  /**
   * Longest time from an acknowledged registration until every node shows it, and from a node's return until its views are
   * right; in milliseconds.
   */
  readonly settleMs: number;
  /** Sets of keys of a view that are always written together. */
  readonly together: Readonly<Record<string, readonly (readonly string[])[]>>;
}

type Of<T extends HistoryEvent['t']> = Extract<HistoryEvent, { readonly t: T }>;

export function judge(events: readonly HistoryEvent[], options: JudgeOptions): Judgement {
  const breaches: Record<string, string[]> = {};
  const counts: Record<string, number> = {};
  const of = <T extends HistoryEvent['t']>(t: T): Of<T>[] => events.filter((event): event is Of<T> => event.t === t);
  const say = (what: string, found: readonly string[], judged: number): void => {
    counts[what] = judged;
    if (found.length > 0) breaches[what] = [...found];
  };

  const forgetting = of('fault').filter(({ forgets }) => forgets === true);
  const explicable = <T>(found: T[]): T[] => (forgetting.length > 0 ? [] : found);

  const keys = grouped(explicable(of('key')), ({ key }) => key);
  say('keys', [...keys].flatMap(([key, own]) => judgeKey(key, own.map(({ operation }) => operationOf(operation)))), explicable(of('key')).length);
  const znodes = grouped(explicable(of('znode')), ({ path }) => path);
  say('znodes', [...znodes].flatMap(([path, own]) => told(`znode ${path}`, linearizable(znodeModel, own.map(({ operation }) => operationOf(operation))))), explicable(of('znode')).length);
  const locks = grouped(explicable(of('lock')), ({ lock }) => lock);
  say('locks', [...locks].flatMap(([lock, own]) => judgeLock(lock, own.map(({ operation }) => operationOf(operation)))), explicable(of('lock')).length);
  const transactions = explicable(of('list')).map(({ transaction }) => transaction);
  say('transactions', checkListAppend(transactions).map(({ text }) => text), transactions.length);
  say('fencing', fencing(of('grant'), of('held'), of('fenced')), of('grant').length);
  say('native locks', checkNativeLocks({
    grants: of('native-grant').map(({ grant }) => grant),
    writes: of('guarded').map(({ write }) => write),
    holders: of('native-holders').map(({ holders }) => holders),
    stored: explicable(of('guarded-end')).at(-1)?.stored,
  }), of('guarded').length);
  say('watches', watches(of('watch'), of('watch-end'), of('final'), options), of('watch').length);
  const seen = of('sight').filter(({ asked, told: at }) => forgetting.every((fault) => at < fault.at || asked > fault.until + againMs));
  say('liveness', liveness(of('life'), seen, of('fault'), options), seen.length);
  say('indexes', checkIndexes(of('index').map(({ seen }) => seen)), of('index').length);
  say('run', of('breach').map(({ text }) => text), of('fault').length);
  return { breaches, counts };
}

function judgeKey(key: string, operations: readonly KeyOperation[]): string[] {
  const { revisions, breaks } = revisionsOf(operations);
  return [...breaks.map((text) => `key ${key}: ${text}`), ...told(`key ${key}`, linearizable(keyModel(revisions), operations))];
}

function judgeLock(lock: string, operations: readonly LockOperation[]): string[] {
  return told(`lock ${lock}`, linearizable(lockModel, operations));
}

function told(what: string, verdict: Verdict<unknown, unknown>): string[] {
  if (verdict.ok === true) return [];
  if (verdict.ok === undefined) return [`${what}: too many operations overlap to be judged (${verdict.steps} steps)`];
  const [first] = verdict.undone;
  return [`${what} is not linearizable: no order reaches ${JSON.stringify(first)}${verdict.undone.length > 1 ? ` and ${verdict.undone.length - 1} more` : ''}`];
}

function fencing(grants: readonly Of<'grant'>[], seen: readonly Of<'held'>[], writes: readonly Of<'fenced'>[]): string[] {
  const late = [...grouped(writes, ({ lock }) => lock)].flatMap(([lock, own]) => {
    const taken: readonly FencedWrite[] = acceptedLate(own.map(({ write }) => write));
    return taken.map(({ token }) => `lock ${lock}: the resource took a late write with token ${token}`);
  });
  return [...checkFencing(grants.map(({ grant }) => grant), seen.map(({ held }) => held)), ...late];
}

function watches(
  told: readonly Of<'watch'>[],
  ends: readonly Of<'watch-end'>[],
  finals: readonly Of<'final'>[],
  { together }: JudgeOptions,
): string[] {
  const breaks: string[] = [];
  for (const [view, own] of grouped([...told, ...ends], (event) => event.view)) {
    const watched = [...grouped(own, ({ watcher }) => watcher)].map(([watcher, all]) => {
      const events: WatchEvent[] = all.flatMap((each) => (each.t === 'watch' ? [each.event] : []));
      const deltas = all.flatMap((each) => (each.t === 'watch' ? [{ from: each.from, revision: each.event.revision }] : []));
      breaks.push(...checkDeltas(`${watcher} of ${view}`, deltas));
      return { watcher: `${watcher} of ${view}`, events, connectedAtEnd: all.some((each) => each.t === 'watch-end' && each.connected) };
    });
    const final = finals.find((each) => each.view === view)?.content;
    breaks.push(...checkWatches(watched, { ...(final === undefined ? {} : { final }), together: together[view] ?? [] }));
  }
  return breaks;
}

/** A bound begins again at the end of every fault within it: while the store is away, for example, nothing can be removed. */
function liveness(lives: readonly Of<'life'>[], sights: readonly Of<'sight'>[], faults: readonly Of<'fault'>[], { settleMs }: JudgeOptions): string[] {
  const after = (from: number, firstMs: number, boundMs = firstMs): number => {
    let end = from + firstMs;
    for (let moved = true; moved; ) {
      moved = false;
      for (const { at, until } of faults) {
        if (at > end || until < from || until + boundMs <= end) continue;
        end = until + boundMs;
        moved = true;
      }
    }
    return end;
  };
  const judged: Life[] = [...grouped(lives, ({ instance }) => instance)].flatMap(([instance, own]) => {
    const registered = own.find(({ what }) => what === 'registered');
    const ended = own.find(({ what }) => what === 'ended');
    const wellUntil = ended?.at ?? Infinity;
    const goneBy = ended === undefined ? Infinity : after(ended.at, ended.graceMs + settleMs, (ended.orphanMs ?? ended.graceMs) + settleMs);
    return [{ instance, visibleFrom: registered === undefined ? Infinity : after(registered.at, settleMs), wellUntil, goneBy }];
  });
  return checkLiveness(judged, sights.map(({ node, asked, told: at, passing, stale }) => ({ node, asked, told: at, passing: new Set(passing), stale })));
}

function grouped<T>(all: readonly T[], by: (each: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const each of all) {
    const group = groups.get(by(each));
    if (group === undefined) groups.set(by(each), [each]);
    else group.push(each);
  }
  return groups;
}
