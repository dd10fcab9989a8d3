import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { frameLimits, type ItemView, type RegistryError } from '@rollcall/protocol';
import { memory } from '../../engine/memory/memory.ts';
import { manualClock } from '../../manual-clock.case.ts';
import type { Register } from '../../registry/kind/catalog/commands.ts';
import { Replica } from '../../replica.ts';
import { FanOut, budgetPerTurn } from '../../net/fan-out.ts';
import { unitsPerSlice } from '../../net/turns.ts';
import { unitsPerItem } from './view-content.ts';
import { looksAtOnce, type Subscriber, type Subscription } from './view-feed.ts';
import { Feeds } from './watches.ts';
import { messageBytes, type Message } from './wire.ts';

const web: ItemView = { kind: 'service', name: 'web' };

class Reader implements Subscriber {
  congested = false;
  readonly messages: Message[] = [];
  readonly deferred: Subscription[] = [];
  readonly endings: RegistryError[] = [];

  push(message: Message): void {
    this.messages.push(message);
  }

  defer(subscription: Subscription): void {
    this.deferred.push(subscription);
  }

  ended(_view: ItemView, error: RegistryError): void {
    this.endings.push(error);
  }

  /** The pushes since the last call. */
  read(): { type: string; from?: number; revision: number; items?: unknown[]; put?: { id: string }[]; remove?: unknown[] }[] {
    return this.messages.splice(0).map((message) => {
      // Skips the head of each fragment (RFC 6455 §5.2): its second byte is the length, or the size of the length field.
      const payloads = message.map((part) => part.subarray(part[1] === 127 ? 10 : part[1] === 126 ? 4 : 2));
      return JSON.parse(Buffer.concat(payloads).toString());
    });
  }
}

function instances(service: string, ids: readonly string[], tag = ''): Register {
  return {
    kind: 'register',
    namespace: 'default',
    nodeMode: 'ensure',
    node: { name: 'n', address: '10.0.0.1' },
    instances: ids.map((id) => ({ id, service, port: 80, tags: [tag] })),
  };
}

/** Items, in any order, with this instance and its tag. */
const including = (id: string, tag: string) => expect.arrayContaining([expect.objectContaining({ id, tags: [tag] })]);

let registry: Replica;
let feeds: Feeds;
let fanOut: FanOut;
/** Lets every scheduled pass advance. */
const settled = async () => {
  for (let turns = 0; turns < 6; turns++) await new Promise((resolve) => setImmediate(resolve));
};

beforeEach(async () => {
  registry = new Replica({ engine: memory(), clock: manualClock(), onFatal: () => {} });
  await registry.start();
  fanOut = new FanOut();
  feeds = new Feeds(registry, fanOut);
  await registry.submit(instances('web', ['a', 'b', 'c', 'd']));
});
afterEach(() => registry.close());

describe('a feed', () => {
  it('sends the content at once, but not to a client that already has it', () => {
    const [fresh, resumed, outdated] = [new Reader(), new Reader(), new Reader()];
    const { revision } = feeds.of(web).add(fresh, undefined);
    feeds.of(web).add(resumed, revision);
    feeds.of(web).add(outdated, revision - 1);
    expect(fresh.read()).toMatchObject([{ type: 'snapshot', revision, items: [{ id: 'a' }, { id: 'b' }, { id: 'c' }, { id: 'd' }] }]);
    expect(resumed.read()).toEqual([]);
    expect(outdated.read()).toMatchObject([{ type: 'snapshot', revision }]);
  });

  it('sends an empty view of a service that does not exist yet', () => {
    const reader = new Reader();
    feeds.of({ kind: 'service', name: 'none' }).add(reader, undefined);
    expect(reader.read()).toMatchObject([{ type: 'snapshot', revision: 0, items: [] }]);
  });

  it('encodes a change once, as a delta, for all clients that had the content before', async () => {
    const readers = [new Reader(), new Reader(), new Reader()];
    const { revision } = feeds.of(web).add(readers[0] as Reader, undefined);
    for (const reader of readers.slice(1)) feeds.of(web).add(reader, revision);
    for (const reader of readers) reader.messages.length = 0;
    await registry.submit(instances('web', ['b'], 'new'));
    await registry.submit({ kind: 'deregister-instance', namespace: 'default', node: 'n', id: 'a' });
    await settled();
    const bytes = readers.map(({ messages }) => messages[0]);
    expect(bytes[1]).toBe(bytes[0]);
    expect(bytes[2]).toBe(bytes[0]);
    const told = (readers[0] as Reader).read();
    expect(told[0]).toMatchObject({ type: 'delta', from: revision, put: [{ id: 'b', tags: ['new'] }] });
    expect(told.at(-1)?.remove).toEqual([['n', 'a']]);
  });

  it('sends a snapshot when it is not larger than the delta', async () => {
    const reader = new Reader();
    feeds.of(web).add(reader, undefined);
    reader.read();
    await registry.submit(instances('web', ['a', 'b', 'c', 'd'], 'all'));
    await settled();
    expect(reader.read()).toMatchObject([{ type: 'snapshot', items: { length: 4 } }]);
  });

  it('follows deltas with deltas', async () => {
    const reader = new Reader();
    let { revision } = feeds.of(web).add(reader, undefined);
    reader.read();
    for (const tag of ['x', 'y', 'z']) {
      await registry.submit(instances('web', ['c'], tag));
      await settled();
      const [told] = reader.read();
      expect(told).toMatchObject({ type: 'delta', from: revision, put: [{ tags: [tag] }] });
      revision = told?.revision ?? 0;
    }
  });

  it('wakes no reader for a change that readers cannot see, or of another view', async () => {
    await registry.submit({ ...instances('web', ['a']), checks: [{ id: 'c', name: 'c', instance: 'a', status: 'passing' }] });
    const reader = new Reader();
    const { revision } = feeds.of(web).add(reader, undefined);
    reader.read();
    await registry.submit({ kind: 'update-checks', updates: [{ namespace: 'default', node: 'n', id: 'c', status: 'passing', output: 'fine' }] });
    expect(registry.views.revision('service\0default\0web')).toBeGreaterThan(revision);
    await registry.submit(instances('billing', ['x']));
    await settled();
    expect(reader.messages).toEqual([]);
    // After a change without a push, the next change is pushed as a delta from the reader's revision.
    await registry.submit({ kind: 'update-checks', updates: [{ namespace: 'default', node: 'n', id: 'c', status: 'warning' }] });
    await settled();
    expect(reader.read()).toMatchObject([{ type: 'delta', from: revision, put: [{ id: 'a', status: 'warning' }] }]);
  });

  it('pushes every instance on a node when the node’s check fails', async () => {
    const reader = new Reader();
    feeds.of(web).add(reader, undefined);
    reader.read();
    await registry.submit({
      ...{ kind: 'register', namespace: 'default', nodeMode: 'exists', node: { name: 'n', address: '' } },
      checks: [{ id: 'disk', name: 'disk', status: 'critical' }],
    });
    await settled();
    const [told] = reader.read() as { items: { status: string }[] }[];
    expect(told?.items.map(({ status }) => status)).toEqual(['critical', 'critical', 'critical', 'critical']);
  });

  it('treats a revision without a visible change as the same content', async () => {
    await registry.submit({ ...instances('web', ['a']), checks: [{ id: 'c', name: 'c', instance: 'a', status: 'passing' }] });
    feeds.of(web).add(new Reader(), undefined);
    await registry.submit({ kind: 'update-checks', updates: [{ namespace: 'default', node: 'n', id: 'c', status: 'passing', output: 'fine' }] });
    await settled();
    const reader = new Reader();
    const newest = registry.views.revision('service\0default\0web');
    expect(feeds.of(web).add(reader, newest).revision).toBe(newest);
    expect(reader.messages).toEqual([]);
    await registry.submit(instances('web', ['b'], 'new'));
    await settled();
    expect(reader.read()).toMatchObject([{ type: 'delta', from: newest, put: [{ id: 'b', tags: ['new'] }] }]);
  });

  it('sends nothing to a slow reader, and the newest content once it has read', async () => {
    const [slow, quick] = [new Reader(), new Reader()];
    feeds.of(web).add(slow, undefined);
    feeds.of(web).add(quick, undefined);
    slow.read();
    quick.read();
    slow.congested = true;
    for (const tag of ['1', '2', '3', '4', '5']) {
      await registry.submit(instances('web', ['a'], tag));
      await settled();
    }
    expect(slow.messages).toEqual([]);
    expect(quick.read()).toHaveLength(5);
    slow.congested = false;
    for (const subscription of slow.deferred) subscription.catchUp();
    expect(slow.read()).toMatchObject([{ type: 'delta', put: including('a', '5') }]);
  });

  it('pushes to every reader exactly once, also when readers join and leave during a pass', async () => {
    const feed = feeds.of(web);
    const readers = Array.from({ length: budgetPerTurn * 1.5 }, () => new Reader());
    const subscriptions = readers.map((reader) => feed.add(reader, undefined).subscription);
    for (const reader of readers) reader.read();
    await registry.submit(instances('web', ['a'], 'new'));
    await new Promise((resolve) => setImmediate(resolve));
    const told = readers.filter(({ messages }) => messages.length === 1).length;
    expect(told).toBe(budgetPerTurn);
    const gone = new Set(readers.filter((_reader, index) => index % 3 === 0));
    subscriptions.forEach((subscription, index) => index % 3 === 0 && subscription.cancel());
    const late = new Reader();
    feed.add(late, undefined);
    await settled();
    for (const reader of readers) {
      if (gone.has(reader)) expect(reader.messages.length).toBeLessThanOrEqual(1);
      else expect(reader.messages).toHaveLength(1);
    }
    expect(late.read()).toMatchObject([{ type: 'snapshot', items: including('a', 'new') }]);
  });

  it('sends the newest content to a reader whose turn comes after a second change', async () => {
    const feed = feeds.of(web);
    const readers = Array.from({ length: budgetPerTurn + 500 }, () => new Reader());
    for (const reader of readers) feed.add(reader, undefined);
    for (const reader of readers) reader.read();
    await registry.submit(instances('web', ['a'], 'one'));
    await new Promise((resolve) => setImmediate(resolve));
    await registry.submit(instances('web', ['a'], 'two'));
    await settled();
    for (const reader of readers) {
      const last = reader.read().at(-1);
      expect(last?.put ?? last?.items).toEqual(including('a', 'two'));
    }
  });

  it('ends with its last reader, and starts again with the next', async () => {
    const reader = new Reader();
    const { subscription } = feeds.of(web).add(reader, undefined);
    // The service, and its record.
    expect([feeds.size, registry.views.watching]).toEqual([1, 2]);
    subscription.cancel();
    subscription.cancel();
    expect([feeds.size, registry.views.watching]).toEqual([0, 0]);
    await registry.submit(instances('web', ['a'], 'later'));
    reader.read();
    feeds.of(web).add(reader, undefined);
    expect(reader.read()).toMatchObject([{ type: 'snapshot', items: including('a', 'later') }]);
  });

  it('gives a client that missed some changes what differs, and one that missed too many the whole', async () => {
    await registry.submit(instances('many', Array.from({ length: 200 }, (_, at) => `i${at}`)));
    const many: ItemView = { kind: 'service', name: 'many' };
    const [staying, early] = [new Reader(), new Reader()];
    feeds.of(many).add(staying, undefined);
    const { subscription, revision } = feeds.of(many).add(early, undefined);
    subscription.cancel();
    early.read();
    for (const at of [1, 2, 1, 3]) {
      await registry.submit(instances('many', [`i${at}`], `${Math.random()}`));
      await settled();
    }
    await registry.submit({ kind: 'deregister-instance', namespace: 'default', node: 'n', id: 'i4' });
    await settled();
    const resumed = new Reader();
    feeds.of(many).add(resumed, revision);
    const [told, ...more] = resumed.read();
    expect(more).toEqual([]);
    expect(told).toMatchObject({ type: 'delta', from: revision, remove: [['n', 'i4']] });
    expect(told?.put?.map(({ id }) => id).sort()).toEqual(['i1', 'i2', 'i3']);

    for (let at = 0; at < 150; at++) {
      await registry.submit(instances('many', [`i${at}`], 'again'));
      await settled();
    }
    const late = new Reader();
    feeds.of(many).add(late, revision);
    expect(late.read()).toMatchObject([{ type: 'snapshot' }]);
  });

  it('looks at the instances that have changed and at no others', async () => {
    await registry.submit(instances('many', Array.from({ length: 1_500 }, (_, at) => `i${at}`)));
    const feed = feeds.of({ kind: 'service', name: 'many' });
    const reader = new Reader();
    feed.add(reader, undefined);
    while (reader.messages.length === 0) await settled();
    await registry.submit(instances('many', ['i7'], 'new'));
    fanOut.pace.renew();
    expect(feed.advance(3)).toBe(2);
    expect(fanOut.pace.used).toBe(unitsPerItem);
  });

  it('shows instances as they are again when a service loses its protect threshold', async () => {
    const reader = new Reader();
    await registry.submit({ ...instances('web', ['a']), checks: [{ id: 'c', name: 'c', instance: 'a', status: 'critical' }] });
    await registry.submit({ kind: 'service-put', namespace: 'default', name: 'web', protectThreshold: 1 });
    feeds.of(web).add(reader, undefined);
    expect(reader.read()).toMatchObject([{ items: expect.arrayContaining([expect.objectContaining({ id: 'a', status: 'passing' })]) }]);
    await registry.submit({ kind: 'service-put', namespace: 'default', name: 'web', protectThreshold: 0 });
    await settled();
    expect(reader.read()).toMatchObject([{ type: 'delta', put: [{ id: 'a', status: 'critical' }] }]);
  });

  it('pushes keys when they are created, changed and deleted', async () => {
    const reader = new Reader();
    feeds.of({ kind: 'prefix', name: 'a/' }).add(reader, undefined);
    const put = (key: string, value: string) =>
      registry.submit({ kind: 'kv-put', namespace: 'default', key, value: Buffer.from(value), flags: 0n });
    await put('a/1', 'one');
    await put('b/1', 'other');
    await put('a/2', 'two');
    await settled();
    await registry.submit({ kind: 'kv-delete', namespace: 'default', key: 'a/1' });
    await settled();
    const told = reader.read();
    expect(told[0]).toMatchObject({ type: 'snapshot', items: [] });
    expect(told.at(-1)).toMatchObject({ type: 'delta', put: [], remove: ['a/1'] });
    expect(JSON.stringify(told)).not.toContain('b/1');
  });

  describe('of a large view', () => {
    const large: ItemView = { kind: 'service', name: 'large' };
    const ids = Array.from({ length: 2.5 * looksAtOnce }, (_, at) => `i${at}`);
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    /** Turns until the reader has a message. */
    const turnsUntilTold = async (reader: Reader) => {
      for (let turns = 0; ; turns++) {
        if (reader.messages.length > 0) return turns;
        if (turns === 1_000) throw new Error('the reader got nothing');
        await turn();
      }
    };
    beforeEach(() => registry.submit(instances('large', ids)));

    it('reads it over several turns, and pushes changes of that time afterwards', async () => {
      const [first, second] = [new Reader(), new Reader()];
      const feed = feeds.of(large);
      const { revision } = feed.add(first, undefined);
      expect(await turnsUntilTold(first)).toBeGreaterThanOrEqual((ids.length * unitsPerItem) / unitsPerSlice);
      expect(first.read()).toMatchObject([{ type: 'snapshot', revision, items: { length: ids.length } }]);

      const many = ids.slice(0, looksAtOnce + 1);
      await registry.submit(instances('large', many, 'new'));
      // It gets the content from before the change, and the change together with the others.
      feed.add(second, undefined);
      await turnsUntilTold(second);
      expect(second.read()).toMatchObject([{ type: 'snapshot', revision, items: { length: ids.length } }]);
      await registry.submit({ kind: 'deregister-instance', namespace: 'default', node: 'n', id: ids.at(-1) as string });
      for (let turns = 0; turns < 60; turns++) await turn();
      for (const reader of [first, second]) {
        const told = reader.read();
        expect(told.flatMap(({ put }) => put ?? [])).toHaveLength(many.length);
        expect(told.flatMap(({ remove }) => remove ?? [])).toEqual([['n', ids.at(-1)]]);
        expect(told.at(-1)?.revision).toBe(registry.views.revision('service\0default\0large'));
        expect(told[0]?.from).toBe(revision);
      }
    });

    it('never reads and encodes more in a turn than the pace of the turn, however many instances there are', async () => {
      await registry.submit(instances('large', Array.from({ length: 4 * looksAtOnce }, (_, at) => `more-${at}`), 'a tag '.repeat(20)));
      const inTurns: number[] = [];
      const counting = new FanOut((run) => setImmediate(() => {
        run();
        inTurns.push(spent);
        spent = 0;
      }));
      let spent = 0;
      const spend = counting.pace.spend.bind(counting.pace);
      counting.pace.spend = (units) => {
        spent += units;
        return spend(units);
      };
      const reader = new Reader();
      new Feeds(registry, counting).of(large).add(reader, undefined);
      inTurns.push(spent);
      spent = 0;
      await turnsUntilTold(reader);
      const [message = []] = reader.messages;
      expect(messageBytes(message)).toBeGreaterThan(20 * 65_536);
      // The last unit of work of a slice may be a whole fragment.
      expect(Math.max(...inTurns)).toBeLessThan(unitsPerSlice + 400);
      expect(inTurns.length).toBeGreaterThan((6 * looksAtOnce * unitsPerItem + message.length * 200) / unitsPerSlice - 1);
    });

    it('reads many views that are watched at once with the pace of one, and sends all of them', async () => {
      const services = Array.from({ length: 40 }, (_, n) => `service-${n}`);
      for (const service of services) await registry.submit(instances(service, Array.from({ length: 50 }, (_unused, at) => `${service}-${at}`)));
      fanOut.pace.renew();
      const readers = services.map((name) => {
        const reader = new Reader();
        feeds.of({ kind: 'service', name }).add(reader, undefined);
        return reader;
      });
      expect(fanOut.pace.used).toBeLessThan(unitsPerSlice + 2 * unitsPerItem);
      for (const reader of readers) await turnsUntilTold(reader);
      for (const reader of readers) expect(reader.read()).toMatchObject([{ type: 'snapshot', items: { length: 50 } }]);
    });

    it('pushes the changes of the time in which a snapshot is framed, to its reader and to others', async () => {
      const [early, late, gone] = [new Reader(), new Reader(), new Reader()];
      const feed = feeds.of(large);
      feed.add(early, undefined);
      const { subscription } = feed.add(gone, undefined);
      await turnsUntilTold(early);
      early.read();
      fanOut.pace.spend(unitsPerSlice);
      await registry.submit(instances('large', ['i0'], 'before'));
      while (early.messages.length === 0) await turn();
      early.read();
      // No time is left in this turn, so that the message is framed in later ones.
      fanOut.pace.spend(unitsPerSlice);
      const { revision } = feed.add(late, undefined);
      expect(late.messages).toHaveLength(0);
      subscription.cancel();
      const told = gone.messages.length;
      await registry.submit(instances('large', ['i1'], 'meanwhile'));
      for (let turns = 0; turns < 60; turns++) await turn();
      expect(late.read()).toMatchObject([
        { type: 'snapshot', revision, items: { length: ids.length } },
        { type: 'delta', from: revision, put: [{ id: 'i1', tags: ['meanwhile'] }] },
      ]);
      expect(early.read()).toMatchObject([{ type: 'delta', from: revision, put: [{ id: 'i1', tags: ['meanwhile'] }] }]);
      expect(gone.messages).toHaveLength(told);
    });

    it('defers a snapshot that was framed while its reader became slow', async () => {
      const reader = new Reader();
      const feed = feeds.of(large);
      fanOut.pace.spend(unitsPerSlice);
      feed.add(reader, undefined);
      reader.congested = true;
      for (let turns = 0; turns < 60; turns++) await turn();
      expect([reader.messages, reader.deferred]).toMatchObject([[], { length: 1 }]);
      reader.congested = false;
      reader.deferred[0]?.catchUp();
      await turnsUntilTold(reader);
      expect(reader.read()).toMatchObject([{ type: 'snapshot', items: { length: ids.length } }]);
    });
  });

  it('sends nothing to a client that already has the content that the current read will find', async () => {
    const ids = Array.from({ length: 2.5 * looksAtOnce }, (_, at) => `i${at}`);
    await registry.submit(instances('large', ids));
    const reader = new Reader();
    const { revision } = feeds.of({ kind: 'service', name: 'large' }).add(reader, registry.views.revision('service\0default\0large'));
    for (let turns = 0; turns < 30; turns++) await new Promise((resolve) => setImmediate(resolve));
    expect(revision).toBe(registry.views.revision('service\0default\0large'));
    expect(reader.messages).toEqual([]);
  });

  it('ends with an error when its content exceeds the limit of a snapshot', async () => {
    const value = new Uint8Array(500_000);
    const count = Math.ceil(frameLimits.snapshotBytesMax / 670_000);
    const reader = new Reader();
    const all: ItemView = { kind: 'prefix', name: '' };
    feeds.of(all).add(reader, undefined);
    for (let index = 0; index <= count; index++) {
      await registry.submit({ kind: 'kv-put', namespace: 'default', key: `k${index}`, value, flags: 0n });
    }
    await settled();
    expect(reader.endings).toMatchObject([{ code: 'resource_exhausted' }]);
    expect([feeds.size, registry.views.watching]).toEqual([0, 0]);
    expect(() => feeds.of(all)).toThrow('more than 33554432 bytes');
  });
});
