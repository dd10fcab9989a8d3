/**
 * Every packet of two exchanges that were captured between a client (Curator 5.9.0, kazoo 2.11.0) and a ZooKeeper 3.9 server is decoded, and
 * encoded again to the same bytes. A line of the files is one packet: `>` from the client, `<` from the server, and its bytes in hex.
 */

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { EventType, OpName } from './codes.ts';
import { decodeConnectRequest, decodeConnectResponse, encodeConnectRequest, encodeConnectResponse } from './handshake.ts';
import { JuteInput } from './input.ts';
import { replyHeader, watcherEvent } from './records.ts';
import { encodeBody, encodeError, encodeNotification, encodeReply, encodeReplyHead, readReply } from './replies.ts';
import { encodeRequest, readHeader, readRequest } from './requests.ts';

interface Packet {
  readonly isRequest: boolean;
  readonly bytes: Buffer;
}

function captured(file: string): [handshake: Packet[], rest: Packet[]] {
  const lines = readFileSync(new URL(`testdata/${file}.txt`, import.meta.url), 'utf8').trim().split('\n');
  const packets = lines.map((line) => ({ isRequest: line.startsWith('>'), bytes: Buffer.from(line.slice(2), 'hex') }));
  return [packets.slice(0, 2), packets.slice(2)];
}

/** Without the length before it. */
const content = (packet: Buffer) => packet.subarray(4).toString('hex');

/** Decodes and encodes an answer or a notification. */
function again(bytes: Buffer, ops: ReadonlyMap<number, OpName>): Buffer {
  const input = new JuteInput(bytes);
  const { xid, zxid, err } = replyHeader.read(input);
  if (xid === -1) {
    const { type, path } = watcherEvent.read(input);
    return encodeNotification(zxid, type as EventType, path);
  }
  if (err !== 0) return encodeError(xid, zxid, err);
  const op = ops.get(xid) as OpName;
  return encodeReply(xid, zxid, op, readReply(op, input));
}

for (const [file, types] of [['kazoo-2.11.0', 8], ['curator-5.9.0', 9]] as const) {
  test(`the packets of ${file} are encoded as they were`, () => {
    const [[request, response], rest] = captured(file);
    const connect = decodeConnectRequest(request?.bytes as Buffer);
    expect(connect).toMatchObject({ sessionId: 0n, lastZxidSeen: 0, readOnly: false });
    expect(content(encodeConnectRequest(connect))).toBe(request?.bytes.toString('hex'));
    const granted = decodeConnectResponse(response?.bytes as Buffer);
    expect(granted).toMatchObject({ timeOut: connect.timeOut, readOnly: false });
    expect(content(encodeConnectResponse(granted))).toBe(response?.bytes.toString('hex'));
    const ops = new Map<number, OpName>();
    for (const { isRequest, bytes } of rest) {
      if (!isRequest) {
        expect(content(again(bytes, ops))).toBe(bytes.toString('hex'));
        continue;
      }
      const { xid, op, input } = readHeader(bytes);
      if (op === undefined) throw new Error(`an unknown type in ${bytes.toString('hex')}`);
      ops.set(xid, op);
      expect(content(encodeRequest(xid, op, readRequest(op, input).body))).toBe(bytes.toString('hex'));
      expect(input.left).toBe(0);
    }
    expect(new Set(ops.values()).size).toBe(types);
  });
}

test('a head and a body that was encoded before are the same bytes as the whole answer', () => {
  const body = { children: ['a', 'ü', 'c'] };
  const encoded = encodeBody('getChildren', body);
  expect(Buffer.concat([encodeReplyHead(7, 2 ** 40 + 5, encoded.length), encoded])).toEqual(encodeReply(7, 2 ** 40 + 5, 'getChildren', body));
});
