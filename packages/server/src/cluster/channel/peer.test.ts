import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { RegistryError } from '@rollcall/protocol';
import { encodeFrame } from './frame.ts';
import { pair, type Pair } from './pair.case.ts';
import { cancelled, type Methods } from './peer.ts';
import { windowBytes } from './window.ts';

let open: Pair | undefined;
afterEach(async () => {
  await open?.close();
  open = undefined;
});

async function start(...args: Parameters<typeof pair>): Promise<Pair> {
  open = await pair(...args);
  return open;
}

const never = () => new Promise<never>(() => {});
const failure = (promise: Promise<unknown>) => promise.then(() => undefined, (error: unknown) => error as RegistryError);
const turns = async (count = 50) => {
  for (let turn = 0; turn < count; turn++) await new Promise((next) => setImmediate(next));
};

describe('a request', () => {
  it('gets the answer of its method, from either end', async () => {
    const echo: Methods = { echo: { kind: 'answer', run: async (body) => Buffer.concat([body, body]) } };
    const { asker, server } = await start(echo, { askerMethods: echo });
    expect((await asker.call('echo', Buffer.from('a'))).toString()).toBe('aa');
    expect((await server.call('echo', Buffer.from('b'))).toString()).toBe('bb');
  });

  it('reaches its method in the order of the calls, however many there are', async () => {
    const order: number[] = [];
    const { asker } = await start({ add: { kind: 'answer', run: async (body) => Buffer.from([order.push(body.readUInt32BE())]) } });
    const calls = Array.from({ length: 2_000 }, (_, at) => {
      const body = Buffer.alloc(4);
      body.writeUInt32BE(at);
      return asker.call('add', body);
    });
    await Promise.all(calls);
    expect(order).toEqual(Array.from({ length: 2_000 }, (_, at) => at));
  });

  it('that is refused has the code and the message', async () => {
    const { asker } = await start({
      no: { kind: 'answer', run: () => Promise.reject(new RegistryError('resource_exhausted', 'no room')) },
      bug: { kind: 'answer', run: () => Promise.reject(new Error('a bug')) },
    });
    expect(await failure(asker.call('no', Buffer.of()))).toMatchObject({ code: 'resource_exhausted', message: 'no room' });
    expect(await failure(asker.call('bug', Buffer.of()))).toMatchObject({ code: 'internal', message: 'a bug' });
  });

  it('of a method that the other end does not know is refused by name, and the connection goes on', async () => {
    const { asker } = await start({ known: { kind: 'answer', run: async (body) => body } });
    for (const name of ['newer', 'constructor', '__proto__', 'x'.repeat(5_000)]) {
      expect(await failure(asker.call(name, Buffer.of()))).toMatchObject({ code: 'unimplemented', message: expect.stringContaining(name.slice(0, 100)) as string });
    }
    expect(await asker.call('known', Buffer.of())).toHaveLength(0);
  });

  it('is refused before the request that the other end wants first', async () => {
    const echo = { kind: 'answer', run: async (body: Buffer) => body } as const;
    const { asker } = await start({ hello: echo, echo }, { first: 'hello' });
    expect(await failure(asker.call('echo', Buffer.of()))).toMatchObject({ code: 'failed_precondition' });
    await asker.call('hello', Buffer.of());
    await asker.call('echo', Buffer.of());
  });

  it('in flight when the connection ends fails with the code of its caller; one that waits was never sent', async () => {
    const running = new Set<object>();
    const { asker, cut } = await start({ never: { kind: 'answer', run: () => {
          running.add({});
          return never();
        }  } });
    const calls = Array.from({ length: 300 }, () => failure(asker.call('never', Buffer.of(), { whenLost: 'unknown_outcome' })));
    while (running.size < 256) await turns(1);
    cut();
    const codes = (await Promise.all(calls)).map((error) => error?.code);
    expect(codes.filter((code) => code === 'unknown_outcome')).toHaveLength(256);
    expect(codes.filter((code) => code === 'unavailable')).toHaveLength(44);
    expect(await failure(asker.call('never', Buffer.of()))).toMatchObject({ code: 'unavailable' });
  });

  it('larger than a message is refused without being sent', async () => {
    const { asker } = await start({ size: { kind: 'answer', run: async (body) => Buffer.from(String(body.length)) } });
    expect(await failure(asker.call('size', Buffer.alloc(16_777_216)))).toMatchObject({ code: 'invalid_argument' });
    expect((await asker.call('size', Buffer.alloc(16_000_000))).toString()).toBe('16000000');
  });
});

describe('a stream', () => {
  it('gives its items in order, then ends', async () => {
    const { asker } = await start({
      count: {
        kind: 'stream',
        async *run(body) {
          for (let at = 0; at < body.readUInt8(); at++) yield Buffer.from([at]);
        },
      },
    });
    const seen: number[] = [];
    for await (const item of asker.stream('count', Buffer.of(200), new AbortController().signal)) seen.push(item.readUInt8());
    expect(seen).toEqual(Array.from({ length: 200 }, (_, at) => at));
  });

  it('is never further ahead of its reader than the window', async () => {
    let sent = 0;
    const item = Buffer.alloc(100_000);
    const { asker } = await start({
      all: {
        kind: 'stream',
        async *run() {
          for (; sent < 300; sent++) yield item;
        },
      },
    });
    let taken = 0;
    for await (const each of asker.stream('all', Buffer.of(), new AbortController().signal)) {
      taken += each.length;
      if (taken % 1_000_000 === 0) await turns();
      expect(sent * item.length - taken).toBeLessThanOrEqual(windowBytes + 2 * item.length);
    }
    expect(taken).toBe(300 * item.length);
  });

  it('ends at the other end when its reader leaves', async () => {
    const reasons: unknown[] = [];
    const { asker } = await start({
      wait: {
        kind: 'stream',
        async *run(_body, signal) {
          yield Buffer.of(1);
          await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
          reasons.push(signal.reason);
        },
      },
    });
    const abort = new AbortController();
    for await (const _item of asker.stream('wait', Buffer.of(), abort.signal)) abort.abort();
    for await (const _item of asker.stream('wait', Buffer.of(), new AbortController().signal)) break;
    await expect.poll(() => reasons).toEqual([cancelled, cancelled]);
  });

  it('fails with the connection, and with what its method throws', async () => {
    const { asker, cut } = await start({
      wait: {
        kind: 'stream',
        async *run() {
          yield Buffer.of(1);
          await never();
        },
      },
      damage: {
        kind: 'stream',
        // oxlint-disable-next-line require-yield
        async *run() {
          throw new RegistryError('data_loss', 'a file is damaged');
        },
      },
    });
    const { signal } = new AbortController();
    expect(await failure(asker.stream('damage', Buffer.of(), signal).next())).toMatchObject({ code: 'data_loss' });
    const items = asker.stream('wait', Buffer.of(), signal);
    await items.next();
    const next = failure(items.next());
    cut();
    expect(await next).toMatchObject({ code: 'unavailable' });
  });
});

describe('bytes that are no frames', () => {
  it('end the connection, and the process goes on', async () => {
    const methods: Methods = { echo: { kind: 'answer', run: async (body) => body } };
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 60 }), fc.string({ maxLength: 20 })), async (bytes) => {
        const { asker, ended, sendRaw, close } = await pair(methods);
        try {
          sendRaw(bytes);
          const alive = asker.call('echo', Buffer.of(7)).then(() => 'alive', () => 'ended');
          expect(['alive', 'ended']).toContain(await Promise.race([alive, ended.server.then(() => 'ended')]));
        } finally {
          await close();
        }
      }),
      { numRuns: 60 },
    );
  });

  it('include a request with an id that is in use, and items beyond the window', async () => {
    const first = await pair({ never: { kind: 'answer', run: never } });
    const request = encodeFrame({ kind: 'request', id: 1, method: 'never', body: Buffer.of() });
    first.sendRaw(request);
    first.sendRaw(request);
    expect(await first.ended.server).toContain('request 1 is still in work');
    await first.close();

    const second = await start({});
    const items = second.server.stream('any', Buffer.of(), new AbortController().signal);
    const next = failure(items.next().then(() => items.next()));
    for (let at = 0; at < 6; at++) second.sendRaw(encodeFrame({ kind: 'item', id: 1, body: Buffer.alloc(1_048_576) }));
    expect(await second.ended.server).toContain('ahead of its reader');
    void next;
  });
});
