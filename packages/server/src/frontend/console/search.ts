/**
 * Searches what the caller may read of a namespace: services, instances, nodes, keys, configurations, releases, locks, tokens, people of the activity, and the
 * content of keys and of configurations. It has no index: it looks at the rows in slices, and stops after a budget of work; then the answer says so.
 *
 * Rights are asked before anything is compared, so neither results nor counts tell a caller of rows that it may not read. Secrets in configurations are
 * stored encrypted, so no search finds them.
 */

import type { Found, FoundKind, SearchAnswer } from '@rollcall/protocol';
import { inOrder } from '../../net/slices.ts';
import type { Pace, Work } from '../../net/turns.ts';
import { allNodes, instancesOfService } from '../../registry/kind/catalog/find.ts';
import { servicesOf } from '../../registry/kind/catalog/service-index.ts';
import { configName, configsIn, findRelease, historyOf } from '../../registry/kind/config/find.ts';
import { findKv, kvKeysUnder } from '../../registry/kind/kv/find.ts';
import { locksIn } from '../../registry/kind/lock/find.ts';
import type { State } from '../../registry/state.ts';
import type { Authorizer } from '../../security/authorizer.ts';
import type { Token } from '../../security/records.ts';
import { lineWith, rankOfContent, rankOfName } from './search-rank.ts';

export interface SearchOptions {
  readonly state: State;
  readonly authorizer: Authorizer;
  readonly namespace: string;
  /** Empty without access control. */
  readonly tokens: Iterable<Token>;
  /** Who is in the newest activity; empty for callers who may not read it. */
  readonly people: Iterable<Person>;
  readonly typed: string;
  readonly limit: number;
  readonly pace: Pace;
  /** Microseconds of work, about. */
  readonly unitsMax?: number;
}

/** A subject of the audit log. */
export interface Person {
  /** Public id of the token, which may be deleted. */
  readonly accessorId: string;
  /** Description of the token; empty when it is deleted, has none, or is not for the caller. */
  readonly name: string;
}

export const typedMax = 200;
export const foundMax = 100;

/** Half a second of work of one thread, in slices; some million names. */
const usualUnitsMax = 500_000;
const unitsPerRow = 0.4;
/** Bytes of content that a unit compares. */
const bytesPerUnit = 400;
/** Of the content of one row that are compared. */
const contentBytesMax = 65_536;
/** Steps of the history of a configuration whose message is compared, the newest first. */
const stepsMax = 20;

interface Ranked {
  readonly rank: number;
  readonly found: Found;
}

export function* search(options: SearchOptions): Work<SearchAnswer> {
  const { limit, pace, unitsMax = usualUnitsMax } = options;
  const typed = options.typed.toLowerCase();
  let best: Ranked[] = [];
  let looked = 0;
  let units = 0;
  const byRank = (a: Ranked, b: Ranked) => b.rank - a.rank || (a.found.name < b.found.name ? -1 : 1);
  for (const source of sources) {
    for (const row of source(options, typed)) {
      looked++;
      units += row.units;
      if (row.rank !== undefined) best.push({ rank: row.rank, found: row.found() });
      if (best.length >= 4 * limit) best = best.sort(byRank).slice(0, limit);
      if (units >= unitsMax) return { found: found(best.sort(byRank), limit), looked, isComplete: false };
      if (pace.spend(row.units)) yield;
    }
  }
  return { found: found(yield* inOrder(best, byRank, pace), limit), looked, isComplete: true };
}

function found(best: readonly Ranked[], limit: number): Found[] {
  return best.slice(0, limit).map((each) => each.found);
}

interface Compared {
  readonly units: number;
  /** Undefined: it does not fit. */
  readonly rank: number | undefined;
  readonly found: () => Found;
}

type Source = (options: SearchOptions, typed: string) => Iterable<Compared>;

/** What is asked for most comes first, since the budget may end. */
const sources: readonly Source[] = [services, nodes, locks, configurations, tokens, people, instances, keys];

function named(kind: FoundKind, name: string, typed: string, of: Found['of'] = {}): Compared {
  return { units: unitsPerRow, rank: rankOfName(name, typed), found: () => ({ kind, name, of }) };
}

/** By its name, or else by its content. */
function withContent(kind: FoundKind, name: string, content: Uint8Array, typed: string, of: Found['of'] = {}): Compared {
  const byName = rankOfName(name, typed);
  if (byName !== undefined) return { units: unitsPerRow, rank: byName, found: () => ({ kind, name, of }) };
  const bytes = Math.min(content.length, contentBytesMax);
  const line = lineWith(Buffer.from(content.buffer, content.byteOffset, bytes).toString(), typed);
  return { units: unitsPerRow + bytes / bytesPerUnit, rank: line === undefined ? undefined : rankOfContent, found: () => ({ kind, name, of, ...(line === undefined ? {} : { line: line.replaceAll(cipher, '{masked}') }) }) };
}

const cipher = /\{cipher\}\S*/g;

function* services({ state, authorizer, namespace }: SearchOptions, typed: string): Iterable<Compared> {
  for (const name of [...servicesOf(state).names(namespace)]) if (authorizer.allows(namespace, 'service', 'read', name)) yield named('service', name, typed);
}

function* instances({ state, authorizer, namespace }: SearchOptions, typed: string): Iterable<Compared> {
  for (const service of [...servicesOf(state).names(namespace)]) {
    if (!authorizer.allows(namespace, 'service', 'read', service)) continue;
    for (const { id, node } of [...instancesOfService(state, namespace, service)]) if (authorizer.allows(namespace, 'node', 'read', node)) yield named('instance', id, typed, { service, node });
  }
}

function* nodes({ state, authorizer, namespace }: SearchOptions, typed: string): Iterable<Compared> {
  for (const { name } of [...allNodes(state)]) if (authorizer.allows(namespace, 'node', 'read', name)) yield named('node', name, typed);
}

function* locks({ state, authorizer, namespace }: SearchOptions, typed: string): Iterable<Compared> {
  for (const { name } of [...locksIn(state, namespace)]) if (authorizer.allows(namespace, 'lock', 'read', name)) yield named('lock', name, typed);
}

function* configurations({ state, authorizer, namespace }: SearchOptions, typed: string): Iterable<Compared> {
  for (const row of [...configsIn(state, namespace)]) {
    const name = configName(row);
    if (!authorizer.allows(namespace, 'config', 'read', name)) continue;
    const of = { app: row.app, cluster: row.cluster };
    yield withContent('config', name, findRelease(state, row, row.release)?.content ?? new Uint8Array(), typed, of);
    let steps = 0;
    for (const { number, step, message = '', by = '' } of historyOf(state, row)) {
      if (++steps > stepsMax) break;
      const line = lineWith(`${step} ${message} ${by}`, typed);
      yield { units: unitsPerRow, rank: line === undefined ? undefined : rankOfContent, found: () => ({ kind: 'release', name, of: { ...of, number }, ...(line === undefined ? {} : { line }) }) };
    }
  }
}

function* tokens({ tokens: all, authorizer, namespace }: SearchOptions, typed: string): Iterable<Compared> {
  if (!authorizer.allows(namespace, 'acl', 'read')) return;
  for (const { accessorId, description } of all) yield identified('token', accessorId, description, typed);
}

function* people({ people: all }: SearchOptions, typed: string): Iterable<Compared> {
  for (const { accessorId, name } of all) yield identified('person', accessorId, name, typed);
}

/** By its name, or by the beginning of its id. */
function identified(kind: 'token' | 'person', accessorId: string, name: string, typed: string): Compared {
  const { rank, ...compared } = named(kind, name === '' ? accessorId : name, typed, { accessorId });
  return { ...compared, rank: rank ?? (accessorId.startsWith(typed) ? 80 : undefined) };
}

function* keys({ state, authorizer, namespace }: SearchOptions, typed: string): Iterable<Compared> {
  // In pieces: others may change the keys while this waits for its turn.
  const pieceMax = 1_000;
  let after: string | undefined;
  for (;;) {
    const piece: string[] = [];
    for (const key of kvKeysUnder(state, namespace, '', after)) {
      piece.push(key);
      if (piece.length === pieceMax) break;
    }
    for (const key of piece) {
      const row = authorizer.allows(namespace, 'key', 'read', key) ? findKv(state, namespace, key) : undefined;
      if (row !== undefined) yield withContent('key', key, row.value, typed);
    }
    after = piece.at(-1);
    if (piece.length < pieceMax) return;
  }
}
