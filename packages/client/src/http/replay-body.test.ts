import { describe, expect, it } from 'vitest';
import { ReplayBody } from './replay-body.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

function source(chunks: readonly string[]) {
  const state = { read: 0, returned: false };
  async function* generate() {
    try {
      for (const chunk of chunks) {
        state.read += 1;
        yield bytes(chunk);
      }
    } finally {
      state.returned = true;
    }
  }
  return { state, stream: generate() };
}

async function read(body: ReplayBody, chunks = Infinity): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    if (--chunks === 0) break;
  }
  return text;
}

describe('a body that fits', () => {
  it('goes from its beginning to each try, and is read from the source once', async () => {
    const { state, stream } = source(['a', 'b', 'c', 'd']);
    const body = new ReplayBody(stream, 4);
    expect(state.read).toBe(0);
    expect(await read(body, 2)).toBe('ab');
    expect(state.read).toBe(2);
    expect(await read(body)).toBe('abcd');
    expect(await read(body)).toBe('abcd');
    expect(state.read).toBe(4);
    expect(body.replayable).toBe(true);
  });

  it('loses nothing when a try fails while it waits for the source', async () => {
    let give = (_chunk: string) => {};
    async function* slow() {
      yield bytes('a');
      yield bytes(await new Promise<string>((resolve) => (give = resolve)));
      yield bytes('c');
    }
    const body = new ReplayBody(slow(), 100);
    const first = body[Symbol.asyncIterator]();
    await first.next();
    const waiting = first.next();
    const leaving = first.return();
    const second = read(body);
    await Promise.resolve();
    give('b');
    expect(await second).toBe('abc');
    await Promise.all([waiting, leaving]);
  });
});

describe('a body that is too large', () => {
  it('goes whole to one try and cannot be replayed', async () => {
    const { stream } = source(['aaa', 'bbb', 'ccc']);
    const body = new ReplayBody(stream, 5);
    expect(await read(body, 1)).toBe('aaa');
    expect(body.replayable).toBe(true);
    expect(await read(body)).toBe('aaabbbccc');
    expect(body.replayable).toBe(false);
  });

  it('can be replayed as long as it has not been read', () => {
    expect(new ReplayBody(source(['a']).stream, 0).replayable).toBe(true);
  });
});

it('passes on an error of the source, and says that it came from the source', async () => {
  async function* broken() {
    yield bytes('a');
    throw new Error('disk gone');
  }
  const body = new ReplayBody(broken(), 100);
  await expect(read(body)).rejects.toThrow('disk gone');
  expect(body.failed).toBe(true);
  expect(body.replayable).toBe(false);
});

it('tells the source when there will be no more reads', async () => {
  const { state, stream } = source(['a', 'b']);
  const body = new ReplayBody(stream, 100);
  await read(body, 1);
  expect(state.returned).toBe(false);
  body.release();
  await Promise.resolve();
  expect(state.returned).toBe(true);
  await expect(read(body)).rejects.toThrow('the request is over');
});
