/**
 * Random steps of a few clients on a few paths: every kind of request that has the same answer on each server. The seed decides them;
 * answers do not.
 */

import type { Random } from '../../cluster/seeded.ts';
import type { OpName } from '../../../packages/server/src/jute/codes.ts';
import type { RequestBody } from '../../../packages/server/src/jute/requests.ts';

export type Ask = { [O in OpName]: { readonly kind: 'ask'; readonly op: O; readonly body: RequestBody<O> } }[OpName];

export type Step =
  | Ask
  /** The session ends, and the client gets a new one. */
  | { readonly kind: 'end' }
  /** The connection is cut; the session goes on over a new one, which asks for the watches again. */
  | { readonly kind: 'cut' };

export interface ClientStep {
  readonly client: number;
  readonly step: Step;
}

export const base = '/differential';
export const clientCount = 3;

const world = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }];
const readable = [{ perms: 1, id: { scheme: 'world', id: 'anyone' } }];
const owned = [{ perms: 31, id: { scheme: 'auth', id: '' } }];
const wrong = [{ perms: 31, id: { scheme: 'digest', id: 'no-hash' } }];

/** Ways to create a znode, the likely ones more often: persistent, ephemeral and both with a sequence; the last one does not exist. */
const flagsOf = [0, 0, 0, 0, 1, 1, 2, 3, 9];

export function* steps(random: Random, count: number): Generator<ClientStep> {
  for (let at = 0; at < count; at++) {
    const client = random.below(clientCount);
    const chosen = random.below(100);
    if (chosen < 3) yield { client, step: { kind: 'end' } };
    else if (chosen < 7) yield { client, step: { kind: 'cut' } };
    else yield { client, step: ask(random, chosen) };
  }
}

/** A path of at most three names; seldom one that no znode can have. */
function path(random: Random): string {
  if (random.chance(0.02)) return pick(random, [`${base}/`, `${base}//a`, `${base}/./a`, 'relative', `${base}/a\u0001`, `${base}/..`]);
  const depth = pick(random, [0, 1, 1, 1, 1, 2, 2, 2, 3]);
  return base + Array.from({ length: depth }, () => `/${pick(random, ['a', 'b', 'c'])}`).join('');
}

function ask(random: Random, chosen: number): Ask {
  const to = path(random);
  const watch = random.chance(0.6);
  if (chosen < 32) return { kind: 'ask', op: random.chance(0.5) ? 'create2' : 'create', body: creation(random, to) };
  if (chosen < 44) return { kind: 'ask', op: 'delete', body: { path: to, version: version(random) } };
  if (chosen < 54) return { kind: 'ask', op: 'setData', body: { path: to, data: data(random), version: version(random) } };
  if (chosen < 61) return { kind: 'ask', op: 'exists', body: { path: to, watch } };
  if (chosen < 68) return { kind: 'ask', op: 'getData', body: { path: to, watch } };
  if (chosen < 73) return { kind: 'ask', op: 'getChildren2', body: { path: to, watch } };
  if (chosen < 75) return { kind: 'ask', op: 'getChildren', body: { path: to, watch } };
  if (chosen < 77) return { kind: 'ask', op: 'getACL', body: { path: to } };
  if (chosen < 79) return { kind: 'ask', op: 'setACL', body: { path: to, acl: pick(random, [world, world, readable, owned, wrong, []]), version: version(random) } };
  if (chosen < 80) return { kind: 'ask', op: 'sync', body: { path: to } };
  if (chosen < 83) return { kind: 'ask', op: 'addWatch', body: { path: to, mode: random.below(2) } };
  if (chosen < 85) return { kind: 'ask', op: 'removeWatches', body: { path: to, type: 1 + random.below(5) } };
  if (chosen < 87) return { kind: 'ask', op: 'checkWatches', body: { path: to, type: 1 + random.below(5) } };
  if (chosen < 88) return { kind: 'ask', op: 'getEphemerals', body: { prefixPath: to } };
  if (chosen < 89) return { kind: 'ask', op: 'getAllChildrenNumber', body: { path: to } };
  if (chosen < 90) return { kind: 'ask', op: 'auth', body: { type: 0, scheme: 'digest', auth: Buffer.from(`user-${random.below(2)}:secret`) } };
  if (chosen < 92) {
    const of = pick(random, ['getData', 'getChildren'] as const);
    return { kind: 'ask', op: 'multiRead', body: { operations: [{ op: of, path: to, watch: false }, { op: 'getData', path: path(random), watch: false }] } };
  }
  return { kind: 'ask', op: 'multi', body: { operations: Array.from({ length: 1 + random.below(4) }, () => operation(random)) } };
}

function operation(random: Random) {
  const to = path(random);
  switch (random.below(6)) {
    case 0:
      return { op: 'delete' as const, path: to, version: version(random) };
    case 1:
      return { op: 'setData' as const, path: to, data: data(random), version: version(random) };
    case 2:
      return { op: 'check' as const, path: to, version: version(random) };
    case 3:
      return { op: 'create2' as const, ...creation(random, to, flagsOf.slice(0, -1)) };
    default:
      return { op: 'create' as const, ...creation(random, to, flagsOf.slice(0, -1)) };
  }
}

function creation(random: Random, to: string, ways = flagsOf) {
  const acl = random.chance(0.92) ? world : pick(random, [readable, owned, wrong, []]);
  const flags = pick(random, ways);
  return { path: (flags === 2 || flags === 3) && random.chance(0.3) ? `${to}/` : to, data: data(random), acl, flags };
}

const version = (random: Random): number => pick(random, [-1, -1, -1, 0, 0, 1, 2]);

const data = (random: Random): Buffer | null => pick(random, [null, Buffer.alloc(0), Buffer.from('x'), Buffer.from(`value-${random.below(1_000)}`)]);

function pick<T>(random: Random, from: readonly T[]): T {
  const chosen = random.pick(from);
  if (chosen === undefined) throw new Error('nothing to choose from');
  return chosen;
}
