import { Duplex } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { frameText, frameTexts, messageBytes, parseJson, ping } from './wire.ts';

/** The messages that a real WebSocket reads from bytes of a server. */
async function read(parts: readonly Buffer[], count: number): Promise<{ texts: string[]; pings: number }> {
  const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  const webSocket = new WebSocket(null as unknown as string, undefined, {});
  const texts: string[] = [];
  let pings = 0;
  webSocket.on('ping', () => pings++);
  const done = new Promise<void>((resolve, reject) => {
    webSocket.on('error', reject);
    webSocket.on('message', (data: Buffer) => {
      texts.push(data.toString());
      if (texts.length === count) resolve();
    });
  });
  const inner = webSocket as unknown as { _isServer: boolean; setSocket(socket: Duplex, head: Buffer, options: object): void };
  inner._isServer = false;
  inner.setSocket(socket, Buffer.alloc(0), { maxPayload: 0 });
  for (const part of parts) socket.push(part);
  await done;
  return { texts, pings };
}

describe('a framed message', () => {
  it.each([0, 1, 125, 126, 65_535, 65_536, 65_537, 131_072, 300_000])('of %i bytes is read by a WebSocket', async (length) => {
    const json = 'x'.repeat(length);
    const message = frameText(json);
    const { texts } = await read(message, 1);
    expect(texts[0] === json).toBe(true);
    expect(message.length).toBe(Math.max(1, Math.ceil(length / 65_536)));
  });

  it('keeps characters that are split between two fragments', async () => {
    const json = `"${'ü'.repeat(100_000)}€"`;
    const { texts } = await read(frameText(json), 1);
    expect(texts[0] === json).toBe(true);
  });

  it('in pieces is read as one text', async () => {
    for (const pieces of [[], ['a'], ['', 'ü'.repeat(70_000), ',', 'x'.repeat(200_000)], Array.from({ length: 9_000 }, (_, at) => `piece ${at},`)]) {
      const { texts } = await read(frameTexts(pieces), 1);
      expect(texts[0] === pieces.join('')).toBe(true);
    }
  });

  it('may contain a ping between its fragments', async () => {
    const parts = frameText('y'.repeat(150_000)).flatMap((part) => [part, ping]);
    const { texts, pings } = await read([...parts, ...frameText('end')], 2);
    expect(texts.map((text) => text.length)).toEqual([150_000, 3]);
    expect(pings).toBe(3);
  });

  it('knows its bytes', () => {
    expect(messageBytes(frameText('abc'))).toBe(5);
    expect(messageBytes(frameText('x'.repeat(65_537)))).toBe(65_536 + 10 + 1 + 2);
  });
});

describe('parsing', () => {
  it('returns undefined for text that is not JSON, and never throws', () => {
    expect(parseJson(Buffer.from('{"a":1}'))).toEqual({ value: { a: 1 } });
    expect(parseJson(Buffer.from('null'))).toEqual({ value: null });
    expect(parseJson(Buffer.from('{'))).toBeUndefined();
    expect(parseJson(Buffer.from(''))).toBeUndefined();
    expect(parseJson(Buffer.from('['.repeat(500_000)))).toBeUndefined();
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void parseJson(Buffer.from(bytes))));
  });
});
