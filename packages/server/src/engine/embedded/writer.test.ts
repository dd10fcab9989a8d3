/** What the writer makes of groups, failures and other writers, with a driver that does as it is told. */

import { isRegistryError, type ErrorCode } from '@rollcall/protocol';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ChangesFeed } from '../changes-feed.ts';
import type { Transaction } from '../engine.ts';
import type { Driver, Write } from './driver.ts';
import { scratchDirectories } from './scratch.case.ts';
import { formatVersion } from './stored-record.ts';
import { Writer } from './writer.ts';

const scratch = scratchDirectories();

/** Writes wait until the test answers them. */
class StubDriver implements Driver {
  readonly calls: { head: Write; expected: number | undefined; writes: readonly Write[] }[] = [];
  isUsable = true;
  #answer: { resolve: (mine: boolean) => void; reject: (error: unknown) => void } | undefined;
  #called: () => void = () => {};

  write(head: Write, expected: number | undefined, writes: readonly Write[]): Promise<boolean> {
    this.calls.push({ head, expected, writes });
    this.#called();
    return new Promise((resolve, reject) => (this.#answer = { resolve, reject }));
  }

  /** Resolves once `count` writes have begun. */
  async begun(count: number): Promise<void> {
    while (this.calls.length < count) await new Promise<void>((called) => (this.#called = called));
  }

  finish(mine = true): void {
    this.#answer?.resolve(mine);
  }

  fail(error: unknown): void {
    this.#answer?.reject(error);
  }

  pin(): () => void {
    return () => {};
  }

  usable(): boolean {
    return this.isUsable;
  }

  remap(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

let driver: StubDriver;
let feed: ChangesFeed;
let writer: Writer;
let fd: number;
const warnings: string[] = [];

beforeEach(async () => {
  const dir = await scratch();
  driver = new StubDriver();
  feed = new ChangesFeed(7);
  fd = openSync(join(dir, 'file'), 'w');
  warnings.length = 0;
  const head = { format: formatVersion, revision: 7, records: 0, sum: 0 };
  const log = { warn: (message: string) => void warnings.push(message) };
  writer = new Writer({ dir, fd, driver, feed, log }, { head, revisions: new Map() });
});

afterEach(() => closeSync(fd));

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
    await driver.begun(1);
    const late = [writer.submit(put('c')), writer.submit(put('d')), writer.submit(put('e'))];
    driver.finish();
    await driver.begun(2);
    driver.finish();
    const results = await Promise.all([...early, ...late]);
    expect(results.map(({ revision }) => revision)).toEqual([8, 9, 10, 11, 12]);
    expect(driver.calls.map(({ expected, writes }) => [expected, writes.length])).toEqual([[7, 2], [9, 3]]);
  });

  it('are bounded in transactions and in bytes', async () => {
    const many = Array.from({ length: 1_500 }, (_, index) => writer.submit(put(`k${index}`)));
    const large = Array.from({ length: 3 }, (_, index) => writer.submit(put(`large${index}`, 8_000_000)));
    for (let group = 1; group <= 4; group++) {
      await driver.begun(group);
      driver.finish();
      if (driver.calls.reduce((sum, { writes }) => sum + writes.length, 0) === 1_503) break;
    }
    await Promise.all([...many, ...large]);
    expect(driver.calls.map(({ writes }) => writes.length)).toEqual([1_024, 478, 1]);
  });

  it('write a record that changes several times once', async () => {
    const calls = ['1', '2', '3'].map((value) =>
      writer.submit({ expect: [], put: [{ key: 'a', value: Buffer.from(value) }], delete: [] }),
    );
    await driver.begun(1);
    driver.finish();
    await Promise.all(calls);
    expect(driver.calls[0]?.writes).toMatchObject([{ revision: 10 }]);
    expect(driver.calls[0]?.writes[0]?.value?.toString('latin1', 0, 1)).toBe('3');
  });

  it('are refused beyond the queue, which loses nothing', async () => {
    const calls = Array.from({ length: 16_384 }, (_, index) => writer.submit(put(`k${index % 10}`)));
    expect(await codeOf(writer.submit(put('over')))).toBe('resource_exhausted');
    for (let group = 1; group <= 16; group++) {
      await driver.begun(group);
      driver.finish();
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
    await driver.begun(1);
    await new Promise<void>((turn) => setImmediate(turn));
    expect([answered, published, writer.revision]).toEqual([false, false, 7]);
    driver.finish();
    await call;
    expect((await next).value).toMatchObject({ revision: 8 });
    expect(writer.revision).toBe(8);
    subscription.end();
  });
});

describe('a failed write', () => {
  it('stops everything for good when there was room: the outcome is unknown', async () => {
    const abort = new AbortController();
    const subscription = feed.subscribe(7);
    const reader = subscription.events(abort.signal).next();
    const flying = codeOf(writer.submit(put('a')));
    await driver.begun(1);
    const queued = codeOf(writer.submit(put('b')));
    driver.fail(Object.assign(new Error('Input/output error'), { code: 5 }));
    expect(await flying).toBe('unknown_outcome');
    expect(await queued).toBe('unavailable');
    expect(await codeOf(writer.submit(put('c')))).toBe('unavailable');
    expect(await codeOf(reader)).toBe('unavailable');
    expect(driver.calls).toHaveLength(1);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('Input/output error');
    subscription.end();
  });

  it('stops everything when another process has written', async () => {
    const flying = codeOf(writer.submit(put('a')));
    await driver.begun(1);
    driver.finish(false);
    expect(await flying).toBe('unavailable');
    expect(writer.failure?.message).toContain('another process has written');
    expect(writer.revision).toBe(7);
  });
});
