/** Answers to messages, and their bytes. */

import { success } from './errors.ts';
import { encodePayload } from './wire.ts';

/**
 * The fields of an answer after `resultCode` and `errorCode`, as an object or as JSON without its braces; `failure(…)` for an error with a
 * number of its own; or the bytes of the whole answer.
 */
export type Answer = object | string | Buffer;

export function encodeReply(type: string, answer: Answer): Buffer {
  if (Buffer.isBuffer(answer)) return answer;
  const head = `{"resultCode":${success.resultCode},"errorCode":${success.errorCode}`;
  if (typeof answer === 'string') return encodePayload(type, `${head},${answer},"success":true}`);
  if ('resultCode' in answer) return encodePayload(type, JSON.stringify(answer));
  const fields = JSON.stringify(answer).slice(1, -1);
  return encodePayload(type, `${head}${fields === '' ? '' : `,${fields}`},"success":true}`);
}
