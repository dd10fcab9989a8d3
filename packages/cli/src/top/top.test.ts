/** The pure parts of `rollcall top`: lines of services, pictures of a terminal, and keys. */

import { describe, expect, it, test } from 'vitest';
import { topologySchema, type TopologyEdge } from '@rollcall/protocol';
import pc from 'picocolors';
import { understood } from '../admin-call.ts';
import { pressed, type View } from './controls.ts';
import { chrome, frame, keys, type Shown } from './frame.ts';
import { rowsOf, sorted, type Health, type Row } from './rows.ts';

const health = (service: string, passing: number, critical = 0): Health => ({ service, instances: passing + critical, passing, critical, warning: 0, starting: 0, draining: 0, maintenance: 0 });
const edge = (to: string, picksPerSecond: number, more: Partial<TopologyEdge> = {}): TopologyEdge => ({ from: 'shop', fromKind: 'service', fromNamespace: 'default', to, toNamespace: 'default', watches: 1, picksPerSecond, failuresPerSecond: 0, ...more });

test('what clients say of a service is added up, also of one without instances', () => {
  const rows = rowsOf([health('orders', 2), health('idle', 1)], [edge('orders', 30, { meanMs: 10, p99Ms: 40 }), edge('orders', 10, { meanMs: 2, p99Ms: 90, failuresPerSecond: 1 }), edge('ghost', 0), edge('orders', 1_000, { toNamespace: 'blue' })], 'default');
  expect(rows.map(({ service, instances, watchers, picksPerSecond, failuresPerSecond, meanMs, p99Ms }) => [service, instances, watchers, picksPerSecond, failuresPerSecond, meanMs, p99Ms])).toEqual([
    ['orders', 2, 2, 40, 1, 8, 90],
    ['idle', 1, 0, 0, 0, undefined, undefined],
    ['ghost', 0, 1, 0, 0, undefined, undefined],
  ]);
});

test.each([
  ['name', ['a', 'b', 'c']],
  ['trouble', ['b', 'c', 'a']],
  ['instances', ['c', 'b', 'a']],
  ['picks', ['a', 'c', 'b']],
  ['failures', ['c', 'a', 'b']],
  ['p99', ['c', 'a', 'b']],
] as const)('sorted by %s', (by, expected) => {
  const rows = rowsOf([health('a', 1), health('b', 1, 2), health('c', 5)], [edge('a', 9), edge('c', 2, { failuresPerSecond: 1, p99Ms: 5 })], 'default');
  expect(sorted(rows, by).map(({ service }) => service)).toEqual(expected);
});

const colors = pc.createColors(false);
const view: View = { sorting: 'name', filter: '', isTyping: false, isPaused: false, offset: 0 };
const rowsNamed = (...names: readonly string[]): Row[] => rowsOf(names.map((name) => health(name, 1)), [], 'default');
const shown = (more: Partial<Shown> = {}): Shown => ({ ...view, rows: rowsNamed('web', 'db'), missing: [], registry: 'http://h', namespace: 'default', stale: undefined, ...more });

describe('a picture', () => {
  it('has a line for each service below its headings, and the keys at the bottom', () => {
    const lines = frame(shown(), { columns: 120, lines: 10 }, colors);
    expect(lines).toHaveLength(10);
    expect(lines[0]).toBe('rollcall top http://h · 2 of 2 services · by name · 0.0 picks/s · 0.0 failures/s');
    expect(lines[2]).toMatch(/^SERVICE {2}INSTANCES {2}PASSING {2}OTHER/);
    expect([lines[3], lines[4]].map((line) => line?.trimEnd().split(/ +/))).toEqual([['db', '1', '1'], ['web', '1', '1']]);
    expect(lines[9]).toBe(keys.slice(0, 120));
  });

  it.each([[1, 1], [20, 3], [40, 5], [200, 50]])('fits into %d columns and %d lines', (columns, lines) => {
    const picture = frame(shown({ rows: rowsNamed(...Array.from({ length: 30 }, (_, n) => `service-${n}`)), offset: 100 }), { columns, lines }, colors);
    expect(picture.length).toBeLessThanOrEqual(lines);
    for (const line of picture) expect(line.length).toBeLessThanOrEqual(columns);
  });

  it('says that it is stale, and which nodes have not answered', () => {
    const size = { columns: 100, lines: 8 };
    expect(frame(shown({ stale: { seconds: 12, reason: 'refused' } }), size, colors)[1]).toBe('stale 12 s: refused');
    expect(frame(shown({ missing: ['n2'] }), size, colors)[1]).toBe('not answered: n2; their clients are left out');
    expect(frame(shown({ rows: [] }), size, colors)[1]).toBe('no services are registered');
  });

  it('shows no control character of a name', () => {
    const text = frame(shown({ rows: rowsNamed('a\x1b[2J'), filter: 'a\x1b' }), { columns: 100, lines: 8 }, colors).join('\n');
    expect(text).toContain('a\\x1b[2J');
    expect(text.includes('\x1b')).toBe(false);
  });

  it('begins at the line that is scrolled to', () => {
    const lines = frame(shown({ rows: rowsNamed('a', 'b', 'c', 'd'), offset: 1 }), { columns: 80, lines: chrome + 2 }, colors);
    expect(lines.slice(3, 5).map((line) => line[0])).toEqual(['b', 'c']);
  });
});

describe('a key', () => {
  const after = (...typed: readonly string[]) => typed.reduce<View | undefined>((now, key) => now && pressed(now, key, 10), view);

  it.each([['q'], ['\x03']])('%j ends it', (key) => expect(after(key)).toBeUndefined());

  it.each([['t', 'trouble'], ['i', 'instances'], ['p', 'picks'], ['f', 'failures'], ['l', 'p99'], ['n', 'name']] as const)('%s sorts by %s', (key, sorting) => {
    expect(after('j', key)).toEqual({ ...view, sorting });
  });

  it('after / is a part of the filter, until Enter', () => {
    expect(after('/', 'q', 'p')).toMatchObject({ filter: 'qp', isTyping: true, sorting: 'name' });
    expect(after('/', 'q', 'p', '\x7f', '\r')).toMatchObject({ filter: 'q', isTyping: false });
    expect(after('/', 'q', '\r', 'p')).toMatchObject({ filter: 'q', sorting: 'picks' });
    expect(after('/', 'q', '\x1b')).toEqual(view);
    expect(after('/', 'q', '\x03')).toBeUndefined();
  });

  it('scrolls by lines and pages, and never above the first', () => {
    expect(after('j', '\x1b[B', 'k')).toMatchObject({ offset: 1 });
    expect(after('k')).toMatchObject({ offset: 0 });
    expect(after('\x1b[6~', '\x1b[6~', '\x1b[5~')).toMatchObject({ offset: 10 });
  });

  it('pauses, and goes on', () => {
    expect(after(' ')).toMatchObject({ isPaused: true });
    expect(after(' ', ' ')).toEqual(view);
  });

  it('without a meaning changes nothing', () => expect(after('z', '\x1b[C', 'é')).toEqual(view));
});

test('an answer of a registry of another version is read with its further fields, and refused when it lacks one', () => {
  const answer = { edges: [{ ...edge('orders', 3), weather: 'fine' }], missing: [] };
  expect(understood(['http://a'], answer, topologySchema)).toBe(answer);
  expect(() => understood(['http://a'], { edges: [] }, topologySchema)).toThrow('this rollcall cannot read the answer of the registry at http://a: the answer lacks missing; use the rollcall of its version');
});
