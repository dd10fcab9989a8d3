/** The thread of content checks: whatever a content or schema needs, the check ends, others go on, and the main thread stays free. */

import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { ContentChecker } from './checker.ts';

/** Branches double at each level, and none holds: 2^40 steps. */
const endless = JSON.stringify({
  $ref: '#/$defs/n40',
  $defs: Object.fromEntries([['n0', { const: 1 }], ...Array.from({ length: 40 }, (_, index) => [`n${index + 1}`, { anyOf: [{ $ref: `#/$defs/n${index}` }, { $ref: `#/$defs/n${index}` }] }])]),
});

const checker = new ContentChecker({ limitMs: 1_500 });
const open: ContentChecker[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});
afterAll(() => checker.close());

describe('a check', () => {
  it('gives the faults of a content and of a schema', async () => {
    expect(await checker.check({ content: '{"a":1}', format: 'json' })).toEqual([]);
    expect(await checker.check({ content: 'a: [', format: 'yaml' })).toMatchObject([{ kind: 'syntax', line: 1 }]);
    expect(await checker.checkSchema('{"type": 5}')).toMatchObject([{ kind: 'schema' }]);
    expect(await checker.flatten('a: {b: 1}', 'yaml')).toBe('{"a.b":1}');
    await expect(checker.flatten('a: [', 'yaml')).rejects.toMatchObject({ code: 'invalid_argument' });
  });

  it('that does not end is refused, and the checks after it get a new thread', async () => {
    let turns = 0;
    await checker.check({ content: '1', format: 'json' });
    const turning = setInterval(() => turns++, 1);
    const asked = performance.now();
    const [stopped, next, third] = await Promise.all([
      checker.check({ content: '2', format: 'json', schema: endless }),
      checker.check({ content: '{"a":1}', format: 'json' }),
      checker.check({ content: '{', format: 'json' }),
    ]);
    clearInterval(turning);
    expect(stopped).toEqual([{ kind: 'time', message: 'its check did not end within 1500 ms; make the content or its schema simpler' }]);
    expect([next, third]).toEqual([[], [expect.objectContaining({ kind: 'syntax' })]]);
    expect(performance.now() - asked).toBeGreaterThanOrEqual(1_400);
    // A check in this thread would hold the loop for the whole 1.5 s.
    expect(turns).toBeGreaterThan(20);
  });

  it('that has ended during a stall of this process is not too late', async () => {
    await checker.check({ content: '1', format: 'json' });
    // The next phase of the event loop runs timers, before messages are read.
    await new Promise((next) => setImmediate(next));
    const checked = checker.check({ content: '{"a":1}', format: 'json' });
    const stallEnd = performance.now() + 1_600;
    while (performance.now() < stallEnd);
    expect(await checked).toEqual([]);
  });

  it('of ten megabytes never reaches the thread', async () => {
    const own = new ContentChecker();
    open.push(own);
    expect(await own.check({ content: 'x'.repeat(10_485_760), format: 'yaml' })).toMatchObject([{ kind: 'size' }]);
    await expect(own.flatten('x'.repeat(10_485_760), 'yaml')).rejects.toMatchObject({ code: 'resource_exhausted' });
  });

  it('of the hardest megabyte of YAML ends, one way or the other', async () => {
    for (const content of ['['.repeat(1_000_000), '- '.repeat(500_000), 'a: &a\n'.repeat(100_000), '{a: '.repeat(250_000), '"'.padEnd(1_000_000, '\\')]) {
      expect((await checker.check({ content, format: 'yaml' })).length).toBeGreaterThan(0);
    }
    expect(await checker.check({ content: 'a: 1', format: 'yaml' })).toEqual([]);
  });

  it('is refused when too many wait', async () => {
    const own = new ContentChecker();
    open.push(own);
    const asked = Array.from({ length: 70 }, () => own.check({ content: '1', format: 'json' }).catch((error: unknown) => (error as { code: string }).code));
    const answers = await Promise.all(asked);
    expect(answers.filter((each) => each === 'resource_exhausted').length).toBeGreaterThan(0);
    expect(answers.filter((each) => Array.isArray(each)).length).toBeGreaterThanOrEqual(64);
  });

  it('after or during the close is refused', async () => {
    const own = new ContentChecker();
    const waiting = own.check({ content: '2', format: 'json', schema: endless });
    const answer = expect(waiting).rejects.toMatchObject({ code: 'unavailable' });
    await own.close();
    await answer;
    await expect(own.check({ content: '1', format: 'json' })).rejects.toMatchObject({ code: 'unavailable' });
  });
});
