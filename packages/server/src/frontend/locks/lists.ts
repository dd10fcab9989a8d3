/**
 * Lists for operators: the locks of a namespace that are in use, and the keys that sessions hold as Consul's clients lock. They are selected and
 * sorted in slices, from one moment of the registry, and cut into pages by name.
 */

import type { HeldKey, HeldKeyList, ListedLock, LockList } from '@rollcall/protocol';
import type { LockClient } from '../../locks/lock-client.ts';
import { Body } from '../../net/answers.ts';
import { inOrder, order, select } from '../../net/slices.ts';
import type { Pace, Work } from '../../net/turns.ts';
import type { Frozen } from '../../registry/frozen.ts';
import { heldKeysIn } from '../../registry/kind/kv/find.ts';
import { holdersOf, locksIn } from '../../registry/kind/lock/find.ts';
import { tokenOf, type HolderRow, type LockRow } from '../../registry/kind/lock/rows.ts';
import { findSession } from '../../registry/kind/session/find.ts';
import type { Authorizer } from '../../security/authorizer.ts';
import { rightsOn, seesAddresses, shownClient } from './shown.ts';

export interface ListQuestion {
  readonly namespace: string;
  /** Part of the name, in lower case; empty for all. */
  readonly filter: string;
  /** Only names above this one. */
  readonly after: string;
  /** Most rows. */
  readonly limit: number;
}

/** Holders that a row shows; a semaphore may have thousands. */
export const holdersShownMax = 10;

/** Microseconds, about: the rights to one name. */
const unitsPerRow = 0.5;
/** A row with its holders as JSON. */
const unitsPerShown = 5;

export function* lockList(frozen: Frozen, authorizer: Authorizer, question: ListQuestion, pace: Pace): Work<Body> {
  const { namespace } = question;
  const isWanted = ({ name, holding, waiting }: LockRow): boolean => holding + waiting > 0 && matches(question, name) && authorizer.allows(namespace, 'lock', 'read', name);
  const rows = yield* select(locksIn(frozen, namespace), isWanted, pace, unitsPerRow);
  const { shown, count, next } = yield* page(rows, ({ name }) => name, question, pace);
  const locks: ListedLock[] = [];
  const withAddresses = seesAddresses(authorizer, namespace);
  const mayExpel = authorizer.allows(namespace, 'operator', 'write', '');
  for (const { name, limit, shared, purpose, holding, waiting } of shown) {
    const holders = firstHolders(frozen, namespace, name).map((row) => holderJson(row, shownClient(findSession(frozen, namespace, row.session), withAddresses)));
    const can = rightsOn(authorizer, namespace, name, mayExpel);
    locks.push({ name, ...(purpose === undefined ? {} : { purpose }), limit, ...(shared === undefined ? {} : { shared }), holding, waiting, holders, can });
    if (pace.spend(unitsPerShown)) yield;
  }
  return bodyOf({ locks, count, ...next });
}

/** Those with the lowest tokens, unless there are many: then any. */
function firstHolders(frozen: Frozen, namespace: string, name: string): HolderRow[] {
  const first: HolderRow[] = [];
  for (const row of holdersOf(frozen, namespace, name)) if (first.push(row) === holdersShownMax) break;
  return first.sort((a, b) => (tokenOf(a) < tokenOf(b) ? -1 : 1));
}

function holderJson(row: HolderRow, client: LockClient): ListedLock['holders'][number] {
  const { id, session, gotMs, value } = row;
  return { contender: id, session, ...client, token: String(tokenOf(row)), ...(gotMs === undefined ? {} : { sinceMs: gotMs }), ...(value === undefined ? {} : { value }) };
}

export function* heldKeyList(frozen: Frozen, authorizer: Authorizer, question: ListQuestion, pace: Pace): Work<Body> {
  const { namespace } = question;
  const rows = yield* select(heldKeysIn(frozen, namespace), ({ key }) => matches(question, key) && authorizer.allows(namespace, 'key', 'read', key), pace, unitsPerRow);
  const { shown, count, next } = yield* page(rows, ({ key }) => key, question, pace);
  const keys: HeldKey[] = [];
  for (const { key, session: id = '', lockIndex, modified } of shown) {
    const session = findSession(frozen, namespace, id);
    // As Consul: a session is read with the rights to its node.
    const isVisible = session !== undefined && authorizer.allows(namespace, 'session', 'read', session.node);
    keys.push({ key, revision: modified, lockIndex, ...(isVisible ? { session: { id, name: session.name, node: session.node } } : {}), can: authorizer.allows(namespace, 'key', 'write', key) ? ['read', 'write'] : ['read'] });
    if (pace.spend(unitsPerShown)) yield;
  }
  return bodyOf({ keys, count, ...next });
}

function matches({ filter }: ListQuestion, name: string): boolean {
  return filter === '' || name.toLowerCase().includes(filter);
}

interface Page<T> {
  readonly shown: readonly T[];
  /** Of all pages. */
  readonly count: number;
  /** Where the next page begins; empty on the last one. */
  readonly next: { readonly next?: string };
}

function* page<T>(rows: T[], nameOf: (row: T) => string, { after, limit }: ListQuestion, pace: Pace): Work<Page<T>> {
  const sorted = yield* inOrder(rows, (a, b) => order(nameOf(a), nameOf(b)), pace);
  const rest = after === '' ? sorted : sorted.slice(firstAbove(sorted, nameOf, after));
  const shown = rest.slice(0, limit);
  const last = shown.at(-1);
  return { shown, count: sorted.length, next: rest.length > limit && last !== undefined ? { next: nameOf(last) } : {} };
}

function firstAbove<T>(sorted: readonly T[], nameOf: (row: T) => string, after: string): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (order(nameOf(sorted[middle] as T), after) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function bodyOf(value: LockList | HeldKeyList): Body {
  return new Body([Buffer.from(`${JSON.stringify(value)}\n`)]);
}
