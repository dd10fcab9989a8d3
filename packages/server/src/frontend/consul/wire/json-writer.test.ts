import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AnswerMemory, MemoryShare } from '../../../net/answer-memory.ts';
import { Impatient, run } from '../../../net/turns.case.ts';
import { Pace } from '../../../net/turns.ts';
import { JsonWriter, writeList, writeObject } from './json-writer.ts';

test('the pieces written are what JSON.stringify writes', () => {
  const values = fc.array(fc.jsonValue({ maxDepth: 2 }).map((value) => ({ value })), { maxLength: 60 });
  fc.assert(
    fc.property(values, fc.boolean(), fc.boolean(), (given, pretty, impatient) => {
      const pace = impatient ? new Impatient() : new Pace();
      const out = new JsonWriter(pretty, pace, new MemoryShare(new AnswerMemory()));
      out.open('{');
      out.key('List');
      run(writeList(out, given, (each) => each));
      out.key('Map "of" them');
      run(writeObject(out, given.entries(), ([at, each]) => [`key ${at}`, each]));
      out.key('Last');
      out.value(given[0] ?? null);
      out.close();
      const whole = {
        List: given,
        'Map "of" them': Object.fromEntries(given.map((each, at) => [`key ${at}`, each])),
        Last: given[0] ?? null,
      };
      const expected = pretty ? `${JSON.stringify(whole, null, 4)}\n` : JSON.stringify(whole);
      expect(Buffer.concat(out.finish()).toString()).toBe(expected);
    }),
  );
});

test('a large text becomes many buffers of bounded size', () => {
  const out = new JsonWriter(false, new Pace(), new MemoryShare(new AnswerMemory()));
  const rows = Array.from({ length: 10_000 }, (_, at) => ({ name: `ä ${at}`, text: 'x'.repeat(at % 300) }));
  run(writeList(out, rows, (row) => row));
  const buffers = out.finish();
  expect(Buffer.concat(buffers).toString()).toBe(JSON.stringify(rows));
  expect(buffers.length).toBeGreaterThan(10);
  for (const buffer of buffers) expect(buffer.length).toBeLessThan(100_000);
});

test('reserves bytes up to the limit and refuses more', () => {
  const memory = new AnswerMemory(100_000);
  const share = new MemoryShare(memory);
  const out = new JsonWriter(false, new Pace(), share);
  const rows = Array.from({ length: 10_000 }, () => ({ text: 'x'.repeat(100) }));
  expect(() => run(writeList(out, rows, (row) => row))).toThrow(/large answers take \d+ bytes of memory now, the limit is 100000/);
  share.free();
  expect(memory.bytes).toBe(0);
});
