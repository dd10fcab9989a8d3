/**
 * Many cheap WebSocket clients in one process (RFC 6455): they read whole text frames, answer
 * pings, and skip the work that a real client must do. Frames go out masked with a key of zeros,
 * which the RFC allows and which changes no byte.
 */

import { openSockets } from './raw-sockets.mjs';

const opcode = { text: 1, close: 8, ping: 9, pong: 10 };

/**
 * @param onOpen called with each socket's number and a function that sends it a text
 * @param onText called with the socket's number and the bytes of a message, valid during the call
 */
export async function openWebSockets({ port, count, path, onOpen, onText }) {
  /** Bytes of a frame that has not arrived whole; undefined while the handshake is unanswered. */
  const partial = Array.from({ length: count });

  const onBytes = (number, bytes) => {
    let rest = partial[number] === undefined ? bytes : Buffer.concat([partial[number], bytes]);
    if (partial[number] === undefined) {
      const end = rest.indexOf('\r\n\r\n');
      if (end < 0 || !rest.toString('latin1', 0, 12).endsWith(' 101')) throw new Error(rest.toString('latin1'));
      rest = rest.subarray(end + 4);
      onOpen(number, (text) => sockets.write(number, masked(opcode.text, Buffer.from(text))));
    }
    rest = takeFrames(number, rest);
    partial[number] = rest.length === 0 ? empty : Buffer.from(rest);
  };
  const takeFrames = (number, bytes) => {
    let rest = bytes;
    for (;;) {
      const frame = frameIn(rest);
      if (frame === undefined) return rest;
      const payload = rest.subarray(frame.start, frame.end);
      if (frame.opcode === opcode.text) onText(number, payload);
      else if (frame.opcode === opcode.ping) sockets.write(number, masked(opcode.pong, payload));
      else if (frame.opcode === opcode.close) throw new Error(`closed: ${payload.toString('utf8', 2)}`);
      rest = rest.subarray(frame.end);
    }
  };

  const sockets = await openSockets({ port, count, onBytes });
  const handshake = [
    `GET ${path} HTTP/1.1`,
    'Host: 127.0.0.1',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${Buffer.alloc(16, 'rollcall').toString('base64')}`,
  ];
  for (let number = 0; number < count; number++) sockets.write(number, `${handshake.join('\r\n')}\r\n\r\n`);
}

const empty = Buffer.alloc(0);

/** Where the payload of the first frame begins and ends; undefined when it is not whole. */
function frameIn(bytes) {
  if (bytes.length < 2) return undefined;
  const short = bytes[1] & 127;
  const start = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (bytes.length < start) return undefined;
  const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  if (bytes.length < start + length) return undefined;
  return { opcode: bytes[0] & 15, start, end: start + length };
}

function masked(code, payload) {
  const long = payload.length > 125;
  const frame = Buffer.alloc((long ? 8 : 6) + payload.length);
  frame[0] = 0x80 | code;
  frame[1] = 0x80 | (long ? 126 : payload.length);
  if (long) frame.writeUInt16BE(payload.length, 2);
  payload.copy(frame, long ? 8 : 6);
  return frame;
}
