/**
 * Every list, with more rows than fit a slice: the same bytes however it is cut, of one revision, though it
 * changes meanwhile, and no step that does too much.
 */

import { expect, test } from 'vitest';
import { MemoryShare, AnswerMemory } from '../../../net/answer-memory.ts';
import { Pace } from '../../../net/turns.ts';
import type { Command } from '../../../registry/kinds.ts';
import { Journal } from '../../../registry/journal.case.ts';
import type { State } from '../../../registry/state.ts';
import * as catalog from '../catalog/catalog.ts';
import * as health from '../catalog/health.ts';
import * as ui from '../catalog/ui.ts';
import * as kv from '../kv/kv.ts';
import type { Asked, Query } from '../request/query.ts';
import { noFilter } from '../request/visibility-filter.ts';
import * as session from '../session/session.ts';
import { JsonWriter } from '../wire/json-writer.ts';
import { Params } from '../wire/params.ts';

const rows = 3_000;
const nodes = 40;

const register = (at: number, text = 'x'): Command => ({
  kind: 'register',
  namespace: 'default',
  node: { name: `node-${at % nodes}`, address: '10.0.0.1', meta: { rack: `r${at % 3}` } },
  nodeMode: 'ensure',
  instances: [{ id: `i-${at}`, service: at % 2 === 0 ? 'web' : `s-${at % 50}`, port: 80, tags: ['v1', `t-${at % 500}`], meta: { text } }],
  checks: [{ id: `c-${at}`, name: text, status: 'passing', instance: `i-${at}` }],
});
const put = (at: number, value = 'x'): Command => ({ kind: 'kv-put', namespace: 'default', key: `app/${at}`, value: Buffer.from(value), flags: 0n });

function filled(): Journal {
  const journal = new Journal();
  for (let at = 0; at < rows; at += 500) {
    const some = Array.from({ length: 500 }, (_, n) => at + n);
    journal.commit([...some.map((n) => register(n)), ...some.map((n) => put(n))]);
  }
  return journal;
}

const filter = `filter=${encodeURIComponent('Service.Meta.text matches "^x" or Service.Port == 1')}`;
const lists: readonly (readonly [name: string, rest: string, query: string, read: (asked: Asked) => Query])[] = [
  ['kv recurse', '', 'recurse', kv.reads()],
  ['kv recurse pretty', 'app/', 'recurse&pretty', kv.reads()],
  ['kv keys', '', 'keys', kv.reads()],
  ['kv keys with a separator', 'app/', 'keys&separator=5', kv.reads()],
  ['catalog/nodes', '', '', catalog.nodes],
  ['catalog/services', '', '', catalog.services],
  ['catalog/services by nodes', '', 'node-meta=rack:r1', catalog.services],
  ['catalog/service', 'web', '', catalog.service],
  ['catalog/node', 'node-2', '', catalog.node],
  ['catalog/node-services', 'node-2', '', catalog.nodeServices],
  ['health/service', 'web', '', health.serviceInstances],
  ['health/service by tag', 'web', 'tag=v1&passing', health.serviceInstances],
  ['health/service with a filter', 'web', filter, health.serviceInstances],
  ['health/checks', 'web', '', health.serviceChecks],
  ['health/state', 'any', '', health.checksInState],
  ['health/state by nodes', 'passing', 'node-meta=rack:r1', health.checksInState],
  ['health/node', 'node-2', '', health.nodeHealth],
  ['session/list', '', '', session.list],
  ['ui/services', '', '', ui.services],
  ['ui/services with a filter', '', filter, ui.services],
  ['ui/nodes', '', '', ui.nodes],
  ['ui/node', 'node-2', '', ui.node],
];

/** Yields at every `n`th chance. */
class Cutting extends Pace {
  readonly #every: number;
  #count = 0;

  constructor(every: number) {
    super();
    this.#every = every;
  }

  override spend(units: number): boolean {
    super.spend(units);
    return ++this.#count % this.#every === 0;
  }

  override get spent(): boolean {
    return false;
  }
}

/** Adds up what is done between two yields. */
class Counting extends Pace {
  units = 0;

  override spend(units: number): boolean {
    this.units += units;
    return super.spend(units);
  }
}

function write(query: Query, state: State, pace: Pace, between: () => void): string {
  if (!('write' in query)) throw new Error('not a list');
  const frozen = state.freeze();
  const out = new JsonWriter(query.pretty, pace, new MemoryShare(new AnswerMemory()));
  const work = query.write(frozen, noFilter(), out);
  for (let next = work.next(); next.done !== true; next = work.next()) between();
  frozen.close();
  return Buffer.concat(out.finish()).toString();
}

test.each(lists)('%s is the same in one go and in slices, at the revision of its beginning', (_name, rest, params, read) => {
  const journal = filled();
  const query = read({ namespace: 'default', named: false, rest, params: new Params(params), datacenter: 'dc1' });
  const whole = write(query, journal.state, new Cutting(Infinity), () => {});
  let changes = 0;
  const change = () => {
    if (++changes > 60) return;
    const at = (changes * 977) % rows;
    journal.commit([register(at, 'changed'), put(at, 'changed'), { kind: 'kv-delete', namespace: 'default', key: `app/${at + 1}` }]);
    journal.commit([{ kind: 'deregister-instance', namespace: 'default', node: `node-${(at + 2) % nodes}`, id: `i-${at + 2}` }, register(rows + changes), put(rows + changes)]);
  };
  expect(write(query, journal.state, new Cutting(13), change)).toBe(whole);
  if (whole !== '[]') expect(changes).toBeGreaterThan(0);
});

const unchanged = filled();

test.each(lists)('%s does no more than a slice between two yields', (_name, rest, params, read) => {
  const { state } = unchanged;
  const pace = new Counting();
  let most = 0;
  const slice = () => {
    most = Math.max(most, pace.units);
    pace.units = 0;
    pace.renew();
  };
  write(read({ namespace: 'default', named: false, rest, params: new Params(params), datacenter: 'dc1' }), state, pace, slice);
  slice();
  // A slice, and the one step with which it was over: sixteen rows, or a run of a thousand to sort.
  expect(most).toBeLessThan(4_000 + 1_500);
});
