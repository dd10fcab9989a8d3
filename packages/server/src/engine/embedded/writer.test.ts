/** How the writer handles groups and failures, with a log that the test controls. */

import { isRegistryError, RegistryError, type ErrorCode } from '@rollcall/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import { KeyMap } from '../../key-map.ts';
import { ChangesFeed } from '../changes-feed.ts';
import type { Transaction } from '../engine.ts';
import type { Head } from './frame.ts';
import { Writer, type GroupLog } from './writer.ts';

/** Groups wait until the test answers them. */
class StubLog implements GroupLog {
  /** Entries of each group. */
  readonly groups: number[] = [];
  readonly rotations: { revision: number; bytes: number }[] = [];
  room = Number.POSITIVE_INFINITY;
  #answer: { resolve: () => void; reject: (error: unknown) => void } | undefined;
  #called: () => void = () => {};

  fits(bytes: number): boolean {
    return bytes <= this.room;
  }

  rotate(head: Head, bytes: number): Promise<void> {
    this.rotations.push({ revision: head.revision, bytes });
    return Promise.resolve();
  }

  append(frames: readonly Buffer[]): Promise<void> {
    this.groups.push(frames.length);
    this.#called();
    return new Promise((resolve, reject) => (this.#answer = { resolve, reject }));
  }

  /** Resolves once `count` groups have begun. */
  async begun(count: number): Promise<void> {
    while (this.groups.length < count) await new Promise<void>((called) => (this.#called = called));
  }

  finish(): void {
    this.#answer?.resolve();
  }

  fail(error: unknown): void {
    this.#answer?.reject(error);
  }
}

let groups: StubLog;
let feed: ChangesFeed;
let writer: Writer;
let rotated = 0;
const warnings: string[] = [];

beforeEach(() => {
  groups = new StubLog();
  feed = new ChangesFeed(7);
  rotated = 0;
  warnings.length = 0;
  const log = { warn: (message: string) => void warnings.push(message) };
  const onRotated = () => void rotated++;
  writer = new Writer({ dir: 'here', groups, feed, log, onRotated }, { revision: 7, records: 0, sum: 0 }, new KeyMap());
});

function put(key: string, size = 1): Transaction {
  return { expect: [], put: [{ key, value: Buffer.alloc(size) }], delete: [] };
}

async function codeOf(call: Promise<unknown>): Promise<ErrorCode | undefined> {
  try {
    await call;
    return undefined;
  } catch (error) {
    if (isRegistryError(error)) return error.code;
    throw error;
  }
}

describe('groups', () => {
  it('take the calls of one turn, and then those that came during the write', async () => {
    const early = [writer.submit(put('a')), writer.submit(put('b'))];
    await groups.begun(1);
    const late = [writer.submit(put('c')), writer.submit(put('d')), writer.submit(put('e'))];
    groups.finish();
    await groups.begun(2);
    groups.finish();
    const results = await Promise.all([...early, ...late]);
    expect(results.map(({ revision }) => revision)).toEqual([8, 9, 10, 11, 12]);
    expect(groups.groups).toEqual([2, 3]);
  });

  it('are bounded in transactions and in bytes', async () => {
    const many = Array.from({ length: 1_500 }, (_, index) => writer.submit(put(`k${index}`)));
    const large = Array.from({ length: 3 }, (_, index) => writer.submit(put(`large${index}`, 8_000_000)));
    for (let group = 1; group <= 3; group++) {
      await groups.begun(group);
      groups.finish();
    }
    await Promise.all([...many, ...large]);
    expect(groups.groups).toEqual([1_024, 478, 1]);
  });

  it('are not written when every expectation in them fails', async () => {
    const failing: Transaction = { ...put('a'), expect: [{ key: 'b', revision: 3 }] };
    expect(await writer.submit(failing)).toEqual({ ok: false, key: 'b', revision: 0 });
    expect(groups.groups).toEqual([]);
  });

  it('go into a new file when the present one has no room for them', async () => {
    const first = writer.submit(put('a'));
    await groups.begun(1);
    groups.finish();
    await first;
    groups.room = 10;
    const second = writer.submit(put('b'));
    await groups.begun(2);
    groups.finish();
    await second;
    expect(groups.rotations).toEqual([{ revision: 8, bytes: expect.any(Number) }]);
    expect(rotated).toBe(1);
  });

  it('are refused when the queue is full, which loses no queued one', async () => {
    const calls = Array.from({ length: 16_384 }, (_, index) => writer.submit(put(`k${index % 10}`)));
    expect(await codeOf(writer.submit(put('over')))).toBe('resource_exhausted');
    for (let group = 1; group <= 16; group++) {
      await groups.begun(group);
      groups.finish();
    }
    expect((await Promise.all(calls)).every(({ ok }) => ok)).toBe(true);
  });
});

describe('nothing is published before it is durable', () => {
  it('neither to the caller, nor on the feed, nor as the revision', async () => {
    let answered = false;
    const abort = new AbortController();
    const subscription = feed.subscribe(7);
    const next = subscription.events(abort.signal).next();
    let published = false;
    void next.then(() => (published = true));
    const call = writer.submit(put('a')).then(() => (answered = true));
    await groups.begun(1);
    await new Promise<void>((turn) => setImmediate(turn));
    expect([answered, published, writer.head.revision]).toEqual([false, false, 7]);
    groups.finish();
    await call;
    expect((await next).value).toMatchObject({ revision: 8 });
    expect(writer.head.revision).toBe(8);
    subscription.end();
  });
});

describe('a failed write', () => {
  it('stops everything for good: the outcome is unknown', async () => {
    const abort = new AbortController();
    const subscription = feed.subscribe(7);
    const reader = subscription.events(abort.signal).next();
    const flying = codeOf(writer.submit(put('a')));
    await groups.begun(1);
    const queued = codeOf(writer.submit(put('b')));
    groups.fail(Object.assign(new Error('EIO: i/o error, write'), { code: 'EIO' }));
    expect(await flying).toBe('unknown_outcome');
    expect(await queued).toBe('unavailable');
    expect(await codeOf(writer.submit(put('c')))).toBe('unavailable');
    expect(await codeOf(reader)).toBe('data_loss');
    expect(groups.groups).toHaveLength(1);
    expect(warnings).toEqual([expect.stringContaining('EIO')]);
    subscription.end();
  });

  it('because of a full disk is refused, and the next write is tried again', async () => {
    const refused = codeOf(writer.submit(put('a')));
    await groups.begun(1);
    const alsoRefused = codeOf(writer.submit(put('b')));
    groups.fail(new RegistryError('resource_exhausted', 'no room'));
    expect(await refused).toBe('resource_exhausted');
    await groups.begun(2);
    groups.fail(new RegistryError('resource_exhausted', 'no room'));
    expect(await alsoRefused).toBe('resource_exhausted');
    const taken = writer.submit(put('c'));
    await groups.begun(3);
    groups.finish();
    expect(await taken).toEqual({ ok: true, revision: 8 });
    // Once when it begins and once when it is over.
    expect(warnings).toHaveLength(2);
  });
});
