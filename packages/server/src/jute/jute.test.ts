/** Every request and answer in both directions, and what happens with bytes that are none. */

import fc from 'fast-check';
import { isRegistryError } from '@rollcall/protocol';
import { expect, test } from 'vitest';
import { opCodes, type OpName } from './codes.ts';
import { decodeConnectRequest, decodeConnectResponse, encodeConnectRequest, encodeExpired } from './handshake.ts';
import { JuteInput } from './input.ts';
import { multiOperationsMax, type MultiOperation, type MultiResult } from './multi.ts';
import { PacketReader } from './packets.ts';
import { replyHeader } from './records.ts';
import { encodeReply, readReply, type ReplyBody } from './replies.ts';
import { encodeRequest, readHeader, readRequest, type RequestBody } from './requests.ts';

const path = '/services/ünicode/𝄞';
const data = Buffer.from([0, 255, 1]);
const acl = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }, { perms: 1, id: { scheme: 'digest', id: 'a:b' } }];
const stat = {
  ...{ czxid: 2 ** 40, mzxid: 3, ctime: 1_700_000_000_000, mtime: 1_700_000_000_001, version: 1, cversion: -1, aversion: 2 },
  ...{ ephemeralOwner: -0x7fff_ffff_ffff_ffffn, dataLength: 3, numChildren: 4, pzxid: 5 },
};
const create = { path, data, acl, flags: 3 };
const onPath = { path };
const watched = { path, watch: true };
const watches = { relativeZxid: 2 ** 41 + 1, dataWatches: ['/a'], existWatches: [], childWatches: ['/b', '/c'] };
const operations: readonly MultiOperation[] = [
  { op: 'create', ...create },
  { op: 'createTTL', ...create, ttl: 5_000 },
  { op: 'delete', path, version: -1 },
  { op: 'setData', path, data: null, version: 2 },
  { op: 'check', path, version: 3 },
];
const results: readonly MultiResult[] = [
  { op: 'create', path },
  { op: 'create2', path, stat },
  { op: 'delete' },
  { op: 'setData', stat },
  { op: 'error', err: -101 },
  { op: 'getData', data, stat },
  { op: 'getChildren', children: ['x'] },
];

const requests: { readonly [O in OpName]: RequestBody<O> } = {
  ...{ create, create2: create, createContainer: { ...create, data: null }, createTTL: { ...create, ttl: -1 } },
  ...{ delete: { path, version: 7 }, exists: watched, getData: watched, setData: { path, data, version: -1 }, getACL: onPath },
  ...{ setACL: { path, acl, version: 0 }, getChildren: watched, getChildren2: { path, watch: false }, sync: onPath, ping: {}, closeSession: {}, whoAmI: {} },
  check: { path, version: 1 },
  multi: { operations },
  multiRead: { operations: [{ op: 'getData', ...watched }, { op: 'getChildren', ...watched }] },
  reconfig: { joiningServers: 'a', leavingServers: '', newMembers: 'b', curConfigId: -1 },
  ...{ checkWatches: { path, type: 3 }, removeWatches: { path, type: 1 }, auth: { type: 0, scheme: 'digest', auth: data }, sasl: { token: data } },
  ...{ setWatches: watches, setWatches2: { ...watches, persistentWatches: ['/d'], persistentRecursiveWatches: ['/'] }, addWatch: { path, mode: 1 } },
  ...{ getEphemerals: { prefixPath: '' }, getAllChildrenNumber: onPath },
};

const replies: { readonly [O in OpName]: ReplyBody<O> } = {
  ...{ create: onPath, create2: { path, stat }, createContainer: { path, stat }, createTTL: { path, stat }, delete: {}, exists: { stat } },
  ...{ getData: { data: null, stat }, setData: { stat }, getACL: { acl, stat }, setACL: { stat }, getChildren: { children: ['a', 'b'] } },
  ...{ getChildren2: { children: [], stat }, sync: onPath, ping: {}, check: { stat }, multi: { results }, multiRead: { results: [] }, reconfig: { data, stat } },
  ...{ checkWatches: {}, removeWatches: {}, closeSession: {}, auth: {}, setWatches: {}, setWatches2: {}, sasl: { token: null }, addWatch: { err: 0 } },
  ...{ getEphemerals: { ephemerals: ['/a'] }, getAllChildrenNumber: { totalNumber: 12 }, whoAmI: { clientInfo: [{ authScheme: 'ip', user: '127.0.0.1' }] } },
};

const ops = Object.keys(opCodes) as OpName[];

test.each(ops)('a request and an answer of %s are read as they were written', (op) => {
  const packet = encodeRequest(9, op, requests[op]);
  expect(packet.readInt32BE(0)).toBe(packet.length - 4);
  const header = readHeader(packet.subarray(4));
  expect(header).toMatchObject({ xid: 9, type: opCodes[op], op });
  expect(readRequest(op, header.input)).toEqual({ op, body: requests[op] });
  expect(header.input.left).toBe(0);
  const input = new JuteInput(encodeReply(9, 2 ** 52, op, replies[op]), 4);
  expect(replyHeader.read(input)).toEqual({ xid: 9, zxid: 2 ** 52, err: 0 });
  expect(readReply(op, input)).toEqual(replies[op]);
  expect(input.left).toBe(0);
});

test.each(ops)('a request of %s that was cut at any byte is refused', (op) => {
  const packet = encodeRequest(9, op, requests[op]).subarray(4);
  for (let length = 8; length < packet.length; length++) {
    const { input } = readHeader(packet.subarray(0, length));
    expect(refusal(() => readRequest(op, input))).toBe('invalid_argument');
  }
  expect(refusal(() => readHeader(packet.subarray(0, 7)))).toBe('invalid_argument');
});

test('random bytes are read or refused, and take no more memory than they have', () => {
  const anyOp = fc.constantFrom(...ops);
  fc.assert(
    fc.property(anyOp, fc.uint8Array({ maxLength: 120 }), (op, bytes) => {
      expect(['read', 'invalid_argument']).toContain(refusal(() => readRequest(op, new JuteInput(Buffer.from(bytes)))));
      expect(['read', 'invalid_argument']).toContain(refusal(() => readReply(op, new JuteInput(Buffer.from(bytes)))));
      expect(['read', 'invalid_argument']).toContain(refusal(() => decodeConnectRequest(Buffer.from(bytes))));
    }),
    { numRuns: 2_000 },
  );
  // One byte changed at a time: lengths become too large, negative, or those of another field.
  fc.assert(
    fc.property(anyOp, fc.nat(), fc.integer({ min: 0, max: 255 }), (op, at, byte) => {
      const packet = Buffer.from(encodeRequest(9, op, requests[op]).subarray(12));
      if (packet.length > 0) packet[at % packet.length] = byte;
      expect(['read', 'invalid_argument']).toContain(refusal(() => readRequest(op, new JuteInput(packet))));
    }),
    { numRuns: 2_000 },
  );
});

test('a vector that says to be longer than its packet is refused before it is read', () => {
  const packet = Buffer.alloc(28);
  packet.writeInt32BE(0x7fff_ffff, 8);
  expect(() => readRequest('setWatches', new JuteInput(packet))).toThrow('a vector of length 2147483647 cannot be in the 16 bytes that are left of the packet');
});

test('a multi has a limit of operations', () => {
  const check = { op: 'check', path: '/', version: 1 } as const;
  const request = (count: number) => encodeRequest(1, 'multi', { operations: Array.from({ length: count }, () => check) }).subarray(12);
  expect(refusal(() => readRequest('multi', new JuteInput(request(multiOperationsMax))))).toBe('read');
  expect(() => readRequest('multi', new JuteInput(request(multiOperationsMax + 1)))).toThrow('more than 10000 operations');
});

test('clients before 3.4 send no flag for read-only servers, and get none', () => {
  const request = { protocolVersion: 0, lastZxidSeen: 0, timeOut: 5_000, sessionId: 0n, passwd: new Uint8Array(16) };
  expect(decodeConnectRequest(encodeConnectRequest({ ...request, readOnly: undefined }).subarray(4)).readOnly).toBeUndefined();
  expect(decodeConnectRequest(encodeConnectRequest({ ...request, readOnly: true }).subarray(4)).readOnly).toBe(true);
  expect(encodeExpired(false)).toHaveLength(40);
  expect(decodeConnectResponse(encodeExpired(true).subarray(4))).toMatchObject({ timeOut: 0, sessionId: 0n, readOnly: false });
});

test('a password that is longer than any server gives is refused', () => {
  const request = { protocolVersion: 0, lastZxidSeen: 0, timeOut: 5_000, sessionId: 0n, passwd: new Uint8Array(1_025), readOnly: false };
  expect(() => decodeConnectRequest(encodeConnectRequest(request).subarray(4))).toThrow('1025 bytes, the limit is 1024');
});

test('packets come whole, however the bytes are cut', () => {
  const packets = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 12 });
  fc.assert(
    fc.property(packets, fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }), (contents, cuts) => {
      const stream = Buffer.concat(contents.flatMap((content) => [lengthOf(content.length), content]));
      const reader = new PacketReader();
      const read: string[] = [];
      let at = 0;
      for (let turn = 0; at < stream.length; turn++) {
        const to = at + (cuts[turn % cuts.length] ?? 1);
        reader.push(stream.subarray(at, to));
        at = to;
        for (let packet = reader.next(); packet !== undefined; packet = reader.next()) read.push(packet.toString('hex'));
      }
      expect(read).toEqual(contents.map((content) => Buffer.from(content).toString('hex')));
      expect(reader.bytes).toBe(0);
    }),
  );
});

test.each([-1, 1_048_576])('a packet of %d bytes is refused by its length', (length) => {
  const reader = new PacketReader();
  reader.push(lengthOf(length));
  expect(() => reader.next()).toThrow(`a packet of ${length} bytes, the limit is 1048575`);
});

test('the first four bytes can be looked at before they are read', () => {
  const reader = new PacketReader();
  reader.push(Buffer.from('ru'));
  expect(reader.peek()).toBeUndefined();
  reader.push(Buffer.from('ok'));
  expect(reader.peek()?.toString()).toBe('ruok');
  expect(reader.bytes).toBe(4);
});

function lengthOf(length: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(length);
  return bytes;
}

/** The code of the error, or `read`. */
function refusal(read: () => unknown): string {
  try {
    read();
    return 'read';
  } catch (error) {
    if (isRegistryError(error)) return error.code;
    throw error;
  }
}
