import { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { Outbox } from './outbox.ts';
import { frameText, ping } from './wire.ts';

/** A socket that takes what is written only when the test says so. */
function setUp() {
  const written: Buffer[] = [];
  let taken: (() => void) | undefined;
  const socket = new Duplex({
    read() {},
    highWaterMark: 1_000,
    write(chunk: Buffer, _encoding, done) {
      written.push(chunk);
      taken = done;
    },
  });
  let open = true;
  let drains = 0;
  const outbox = new Outbox(
    socket,
    () => open,
    () => drains++,
  );
  /** The operating system takes all that the socket holds. */
  const take = async () => {
    while (taken !== undefined) {
      const done = taken;
      taken = undefined;
      done();
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { outbox, written, take, close: () => (open = false), drains: () => drains };
}

describe('the outbox', () => {
  it('writes directly to a socket that accepts data', () => {
    const { outbox, written } = setUp();
    const message = frameText('small');
    outbox.write(message);
    expect(written[0]).toBe(message[0]);
    expect(outbox.busy).toBe(false);
  });

  it('keeps order while the socket accepts no more, and reports when everything is sent', async () => {
    const { outbox, written, take, drains } = setUp();
    const texts = ['a'.repeat(2_000), 'b', 'c'.repeat(2_000), 'd'];
    for (const text of texts) outbox.write(frameText(text));
    expect(outbox.busy).toBe(true);
    expect(written).toHaveLength(1);
    expect(outbox.bytes).toBe(texts.reduce((sum, text) => sum + (frameText(text)[0]?.length ?? 0), 0));
    await take();
    expect(Buffer.concat(written).equals(Buffer.concat(texts.flatMap((text) => [...frameText(text)])))).toBe(true);
    expect(outbox).toMatchObject({ busy: false, bytes: 0 });
    expect(drains()).toBe(1);
  });

  it('shows progress with every fragment that is sent, and lets a ping overtake', async () => {
    const { outbox, written, take } = setUp();
    const long = frameText('x'.repeat(200_000));
    outbox.write(long);
    outbox.ping();
    const before = outbox.flushes;
    await take();
    expect(outbox.flushes - before).toBe(long.length);
    expect(written[1]).toBe(ping);
    expect(written.filter((part) => part !== ping)).toEqual([...long]);
  });

  it('drops everything once the stream is closing, since nothing may follow a close frame', async () => {
    const { outbox, written, take, close } = setUp();
    outbox.write(frameText('a'.repeat(2_000)));
    outbox.write(frameText('waits'));
    close();
    outbox.write(frameText('late'));
    outbox.ping();
    await take();
    expect(written).toHaveLength(1);
    expect(outbox.busy).toBe(false);
  });
});
