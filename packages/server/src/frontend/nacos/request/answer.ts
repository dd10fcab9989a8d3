/** Answers of handlers, and how they are written: as plain text or JSON, or wrapped in `{"code", "message", "data"}`. */

import type { ServerResponse } from 'node:http';
import { Body } from '../../../net/answers.ts';
import { endWith } from '../../../net/end-with.ts';
import type { LargeBodies } from '../../../net/large-bodies.ts';

/** An answer that is more than a value. */
export class Answer {
  readonly body: Body;
  readonly type: string;
  readonly status: number;
  readonly headers: readonly string[];

  /** @param headers names and values in turn */
  constructor(body: Body | Buffer, type: string, { status = 200, headers = [] }: { readonly status?: number; readonly headers?: readonly string[] } = {}) {
    this.body = body instanceof Body ? body : new Body([body]);
    this.type = type;
    this.status = status;
    this.headers = headers;
  }
}

/** The handler answers by itself, later. */
export const later = Symbol('the handler answers later');

/** A text, or a value for JSON. */
export type Value = string | object | boolean | null;
export type Returned = Value | Answer | typeof later;

/** `plain`: the value as it is. `result`: `{"code": 0, "message": "success", "data": …}`. */
export type Format = 'plain' | 'result';

export const json = 'application/json';
export const jsonUtf8 = 'application/json;charset=UTF-8';
export const text = 'text/plain;charset=UTF-8';

export function answerOf(value: Value | Answer, format: Format): Answer {
  if (value instanceof Answer) return value;
  if (format === 'result') return new Answer(Buffer.from(`{"code":0,"message":"success","data":${JSON.stringify(value)}}`), json);
  if (typeof value === 'string') return new Answer(Buffer.from(value), text);
  return new Answer(Buffer.from(JSON.stringify(value)), json);
}

/** JSON of a list or an object that is encoded already, in the format. */
export function encodedAnswer(body: Body, format: Format): Answer {
  if (format === 'plain') return new Answer(body, json);
  return new Answer(new Body([resultHead, ...body.buffers, resultTail]), json);
}

const resultHead = Buffer.from('{"code":0,"message":"success","data":');
const resultTail = Buffer.from('}');

/** @param large sends bodies of several buffers */
export function send(response: ServerResponse, { status, type, headers, body }: Answer, large: LargeBodies): void {
  const head = ['Content-Type', type, 'Content-Length', String(body.bytes), 'Cache-Control', 'no-store', ...headers];
  if (response.req.method === 'HEAD') {
    response.writeHead(status, head);
    response.end();
    return;
  }
  if (body.buffers.length > 1) {
    large.send(response, () => response.writeHead(status, head), body);
    return;
  }
  response.writeHead(status, head);
  endWith(response, body);
}
