import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { Body } from './answers.ts';
import { BodySender } from './body-sender.ts';

class Client extends EventEmitter {
  readonly got: string[] = [];
  destroyed = false;
  closed = false;
  /** Number of buffers that it takes until it must be drained. */
  takes = Infinity;

  write(buffer: Buffer): boolean {
    this.got.push(buffer.toString());
    return --this.takes > 0;
  }

  end(buffer: Buffer): void {
    this.got.push(buffer.toString(), 'end');
  }
}

function sender() {
  const due: (() => void)[] = [];
  const made = new BodySender((run) => due.push(run));
  return {
    send: (client: Client, body: Body) => made.send(client as unknown as ServerResponse, () => client.got.push('head'), body),
    turn: () => {
      for (const run of due.splice(0)) run();
    },
  };
}

const body = new Body(['a', 'b', 'c'].map((text) => Buffer.from(text)));

describe('a sender of bodies', () => {
  it('sends the head and every buffer in order', () => {
    const { send, turn } = sender();
    const client = new Client();
    send(client, body);
    for (let at = 0; at < 3; at++) turn();
    expect(client.got).toEqual(['head', 'a', 'b', 'c', 'end']);
  });

  it('waits until the client has read the bytes sent so far', () => {
    const { send, turn } = sender();
    const client = new Client();
    client.takes = 1;
    send(client, body);
    for (let at = 0; at < 5; at++) turn();
    expect(client.got).toEqual(['head', 'a']);
    client.takes = Infinity;
    client.emit('drain');
    for (let at = 0; at < 5; at++) turn();
    expect(client.got).toEqual(['head', 'a', 'b', 'c', 'end']);
  });

  it('does 64 writes in a turn for any number of clients, and drops clients that have disconnected', () => {
    const { send, turn } = sender();
    const clients = Array.from({ length: 200 }, () => new Client());
    for (const client of clients) send(client, body);
    const sent = () => clients.reduce((sum, { got }) => sum + got.filter((each) => each !== 'head' && each !== 'end').length, 0);
    expect(sent()).toBeLessThanOrEqual(64);
    for (const client of clients.slice(100)) client.destroyed = true;
    for (let last = sent(), at = 0; at < 12; at++, last = sent()) {
      turn();
      expect(sent() - last).toBeLessThanOrEqual(64);
    }
    expect(clients.slice(0, 100).every(({ got }) => got.at(-1) === 'end')).toBe(true);
    expect(clients.slice(100).every(({ got }) => got.length <= 2)).toBe(true);
  });
});
