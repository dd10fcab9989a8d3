import { expect, it } from 'vitest';
import { AnswerMemory, MemoryShare } from '../../../net/answer-memory.ts';
import { Impatient, run } from '../../../net/turns.case.ts';
import type { ConfigRow } from '../../../registry/kind/config/rows.ts';
import { pageOf } from './search.ts';

it('encodes the entries of a page one by one, so that large contents do not share a turn of the event loop', () => {
  const memory = new AnswerMemory();
  const share = new MemoryShare(memory);
  const contents = Array.from({ length: 20 }, (_, n) => `${n}`.repeat(1_000));
  let encoded = 0;
  const entry = ({ name }: ConfigRow) => ({ dataId: name, content: contents[encoded++] });
  const rows = contents.map((_, n) => ({ name: `id-${n}` }) as ConfigRow);
  const work = pageOf(120, { number: 2, size: 20 }, rows, { share, pace: new Impatient(), entry });
  const inSlices: number[] = [];
  for (let before = 0; ; before = encoded) {
    const { done, value } = work.next();
    inSlices.push(encoded - before);
    if (done !== true) continue;
    const page = JSON.parse(Buffer.concat(value.buffers).toString()) as unknown;
    expect(page).toEqual({ totalCount: 120, pageNumber: 2, pagesAvailable: 6, pageItems: contents.map((content, n) => ({ dataId: `id-${n}`, content })) });
    expect(memory.bytes).toBe(value.bytes);
    break;
  }
  expect(Math.max(...inSlices)).toBe(1);
});

it('of no entries is an empty page', () => {
  const work = pageOf(0, { number: 1, size: 10 }, [], { share: new MemoryShare(new AnswerMemory()), pace: new Impatient(), entry: () => ({}) });
  const { buffers } = run(work);
  expect(buffers.map(String).join('')).toBe('{"totalCount":0,"pageNumber":1,"pagesAvailable":0,"pageItems":[]}');
});
