import { describe, expect, it } from 'vitest';
import type { RequestFrame } from '@rollcall/protocol';
import { manualClock } from '../../../server/src/manual-clock.case.ts';
import { Requests, pendingMax, type AskOptions } from './requests.ts';

const read = { type: 'get', view: { kind: 'key', name: 'k' } } as const;
const write = { type: 'kv-put', key: 'k', value: '' } as const;

function setUp() {
  const clock = manualClock();
  const requests = new Requests(clock);
  const sent: RequestFrame[] = [];
  const send = (frame: RequestFrame) => sent.push(frame);
  const options = (more: Partial<AskOptions> = {}): AskOptions => ({ repeatable: true, timeoutMs: 1_000, ...more });
  return { clock, requests, sent, send, options };
}

describe('a request', () => {
  it('gets the answer with its id, in any order of answers', async () => {
    const { requests, sent, send, options } = setUp();
    const [one, two] = [requests.ask(read, options(), send), requests.ask(write, options(), send)];
    const [first, second] = sent.map(({ id }) => id);
    requests.answered(second as number, { type: 'done', id: second as number, applied: true });
    requests.answered(first as number, { type: 'error', id: first as number, code: 'not_found', message: 'none' });
    await expect(one).rejects.toMatchObject({ code: 'not_found', message: 'none' });
    expect(await two).toMatchObject({ applied: true });
    requests.answered(99, { type: 'done', id: 99, applied: true });
  });

  it('waits for a link, up to its deadline', async () => {
    const { clock, requests, sent, send, options } = setUp();
    const late = requests.ask(read, options(), undefined);
    clock.advance(999);
    requests.flush(send);
    expect(sent).toHaveLength(1);
    const never = requests.ask(read, options(), undefined);
    clock.advance(1);
    await expect(late).rejects.toMatchObject({ code: 'deadline_exceeded' });
    clock.advance(1_000);
    await expect(never).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('is sent again when its link has ended, if it may be sent twice', async () => {
    const { requests, sent, send, options } = setUp();
    const [reads, writes] = [requests.ask(read, options(), send), requests.ask(write, options({ repeatable: false }), send)];
    requests.interrupted('the connection broke');
    await expect(writes).rejects.toMatchObject({ code: 'unknown_outcome' });
    requests.flush(send);
    expect(sent.map(({ type }) => type)).toEqual(['get', 'kv-put', 'get']);
    requests.answered(sent[2]?.id ?? 0, { type: 'done', id: sent[2]?.id ?? 0, applied: false });
    expect(await reads).toMatchObject({ type: 'done' });
  });

  it('that was never sent waits for the next link', async () => {
    const { requests, sent, send, options } = setUp();
    const writes = requests.ask(write, options({ repeatable: false }), undefined);
    requests.interrupted('the connection broke');
    requests.flush(send);
    requests.answered(sent[0]?.id ?? 0, { type: 'done', id: sent[0]?.id ?? 0, applied: true });
    expect(await writes).toMatchObject({ applied: true });
  });

  it('that writes, was sent and not answered, has an unknown outcome', async () => {
    const { clock, requests, send, options } = setUp();
    const writes = requests.ask(write, options({ repeatable: false }), send);
    clock.advance(1_000);
    await expect(writes).rejects.toMatchObject({ code: 'unknown_outcome' });
  });

  it('ends with its signal, before or after it is sent, and leaves nothing behind', async () => {
    const { requests, sent, send, options } = setUp();
    const controller = new AbortController();
    const [waiting, going] = [
      requests.ask(read, options({ signal: controller.signal }), undefined),
      requests.ask(read, options({ signal: controller.signal }), send),
    ];
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await expect(going).rejects.toThrow('enough');
    await expect(requests.ask(read, options({ signal: controller.signal }), send)).rejects.toThrow('enough');
    requests.flush(send);
    expect(sent).toHaveLength(1);
  });

  it('is refused when too many are under way', async () => {
    const { requests, options } = setUp();
    const waiting = Array.from({ length: pendingMax }, () => requests.ask(read, options(), undefined));
    await expect(requests.ask(read, options(), undefined)).rejects.toMatchObject({ code: 'resource_exhausted' });
    requests.close();
    const results = await Promise.allSettled(waiting);
    expect(results.every(({ status }) => status === 'rejected')).toBe(true);
  });

  it('whose answer is malformed fails without effect on others', async () => {
    const { requests, sent, send, options } = setUp();
    const strange = requests.ask(read, options(), send);
    requests.garbled(sent[0]?.id ?? 0, 'items is a number');
    await expect(strange).rejects.toMatchObject({ code: 'internal' });
  });
});
