import { describe, expect, it } from 'vitest';
import type { DeltaFrame, Instance, SnapshotFrame } from '@rollcall/protocol';
import { manualClock } from '../../../server/src/manual-clock.case.ts';
import { CachedView } from './cached-view.ts';

const view = { kind: 'service', name: 'web' } as const;
const instance = (id: string, more: Partial<Instance> = {}): Instance => ({
  ...{ id, service: 'web', node: 'n', address: '10.0.0.1', port: 80, tags: [], meta: {}, weight: 1, status: 'passing' },
  ...more,
});
const snapshot = (revision: number, ...ids: string[]): SnapshotFrame => ({ type: 'snapshot', view, revision, items: ids.map((id) => instance(id)) });
const delta = (from: number, revision: number, put: Instance[], remove: [string, string][] = []): DeltaFrame => ({
  ...{ type: 'delta', view, from, revision, put, remove },
});

function setUp() {
  const clock = manualClock();
  const cached = new CachedView(view, clock);
  const ids = () => (cached.items as Instance[] | undefined)?.map(({ id }) => id).sort();
  return { clock, cached, ids };
}

describe('a cached view', () => {
  it('has no content before the first snapshot, and then follows deltas', () => {
    const { cached, ids } = setUp();
    expect([ids(), cached.revision, cached.current]).toEqual([undefined, undefined, false]);
    cached.snapshot(snapshot(5, 'a', 'b'));
    expect(cached.delta(delta(5, 6, [instance('c'), instance('a', { status: 'critical' })], [['n', 'b']]))).toBe(true);
    expect([ids(), cached.revision, cached.current]).toEqual([['a', 'c'], 6, true]);
    expect((cached.items as Instance[]).find(({ id }) => id === 'a')?.status).toBe('critical');
  });

  it('needs a snapshot when a delta does not follow, and keeps its content', () => {
    const { cached, ids } = setUp();
    cached.snapshot(snapshot(5, 'a'));
    expect(cached.delta(delta(6, 7, [instance('b')]))).toBe(false);
    expect([ids(), cached.revision]).toEqual([['a'], 5]);
  });

  it('ignores older content', () => {
    const { cached, ids } = setUp();
    cached.snapshot(snapshot(5, 'a'));
    expect(cached.snapshot(snapshot(4))).toBe(false);
    expect(cached.delta(delta(3, 4, [], [['n', 'a']]))).toBe(true);
    expect([ids(), cached.revision]).toEqual([['a'], 5]);
  });

  it('distinguishes instances of the same id on different nodes', () => {
    const { cached } = setUp();
    cached.snapshot({ ...snapshot(1), items: [instance('a'), instance('a', { node: 'm' })] });
    expect(cached.items).toHaveLength(2);
    cached.delta(delta(1, 2, [], [['m', 'a']]));
    expect(cached.items).toMatchObject([{ node: 'n' }]);
  });

  it('reports its age once the registry is unreachable', () => {
    const { clock, cached } = setUp();
    cached.snapshot(snapshot(1, 'a'));
    clock.advance(60_000);
    expect([cached.current, cached.ageMs]).toEqual([true, 0]);
    cached.lost();
    clock.advance(2_500);
    cached.lost();
    expect([cached.current, cached.ageMs]).toEqual([false, 2_500]);
    cached.confirm();
    expect([cached.current, cached.ageMs]).toEqual([true, 0]);
  });

  it('starts with content from before this process', () => {
    const { clock, cached, ids } = setUp();
    cached.restore({ items: [instance('a')], revision: 9, registry: 'r', ageMs: 60_000 });
    clock.advance(1_000);
    expect([ids(), cached.revision, cached.current, cached.ageMs]).toEqual([['a'], 9, false, 61_000]);
  });

  it('calls its listeners until they are removed', () => {
    const { cached } = setUp();
    let told = 0;
    const listener = () => told++;
    const stops = [cached.listen(listener), cached.listen(listener)];
    cached.snapshot(snapshot(1));
    expect(told).toBe(2);
    stops[0]?.();
    stops[0]?.();
    cached.snapshot(snapshot(2));
    expect([told, cached.watched]).toEqual([3, true]);
    stops[1]?.();
    expect(cached.watched).toBe(false);
  });
});

describe('a cached view whose registry is another one', () => {
  it('keeps instances that have not come back yet, until all have', () => {
    const { cached, ids } = setUp();
    cached.snapshot(snapshot(500, 'a', 'b'));
    cached.replaced(true);
    expect([ids(), cached.revision, cached.current]).toEqual([['a', 'b'], undefined, false]);
    cached.snapshot(snapshot(1));
    expect([ids(), cached.current]).toEqual([['a', 'b'], false]);
    cached.delta(delta(1, 2, [instance('a', { port: 81 })]));
    expect([ids(), cached.current]).toEqual([['a', 'b'], false]);
    expect((cached.items as Instance[]).find(({ id }) => id === 'a')?.port).toBe(81);
    cached.snapshot(snapshot(3, 'a', 'b', 'c'));
    expect([ids(), cached.current, cached.revision]).toEqual([['a', 'b', 'c'], true, 3]);
  });

  it('drops instances that have not come back once the wait is over', () => {
    const { cached, ids } = setUp();
    cached.snapshot(snapshot(500, 'a', 'b'));
    cached.replaced(true);
    cached.snapshot(snapshot(1, 'b'));
    const { stamp } = cached;
    cached.settle();
    expect([ids(), cached.current]).toEqual([['b'], true]);
    expect(cached.stamp).toBeGreaterThan(stamp);
  });

  it('keeps everything when that registry is lost before its first content', () => {
    const { cached, ids } = setUp();
    cached.snapshot(snapshot(500, 'a'));
    cached.replaced(true);
    cached.lost();
    cached.settle();
    expect([ids(), cached.current]).toEqual([['a'], false]);
    cached.replaced(true);
    cached.snapshot(snapshot(1));
    expect(ids()).toEqual(['a']);
  });

  it('takes the new content at once when no instance is kept', () => {
    const { cached, ids } = setUp();
    cached.snapshot(snapshot(500, 'a'));
    cached.replaced(false);
    expect(ids()).toEqual(['a']);
    cached.snapshot(snapshot(1));
    expect([ids(), cached.revision, cached.current]).toEqual([[], 1, true]);
  });
});
