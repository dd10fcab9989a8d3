/** What a handler of a write (or of a read that does not come from a view) is given, and its body. */

import { RegistryError, toRegistryError } from '@rollcall/protocol';
import { readBody } from '../../net/body.ts';
import { peerAddress } from '../../net/agent-node.ts';
import type { Context, Exchange } from '../../net/frontend.ts';
import { principalOf } from '../../net/principal.ts';
import type { Work } from '../../net/turns.ts';
import type { Frozen } from '../../registry/frozen.ts';
import type { Caller } from '../../security/acl.ts';
import type { Resource, Verb } from '../../security/authorizer.ts';
import { decode, decodeAll, type Decoded, type Fields, type Schema } from './decode.ts';
import { readJson } from './json.ts';
import type { JsonWriter } from './json-writer.ts';
import type { Params } from './params.ts';
import { filteredHead, Sight } from './sight.ts';

export interface Call {
  readonly context: Context;
  readonly caller: Caller;
  readonly exchange: Exchange;
  /** The path after the route's prefix, percent-encoded. */
  readonly rest: string;
  readonly params: Params;
}

/** An answer whose status or headers say something. */
export interface Shaped {
  readonly status: number;
  readonly body: Buffer;
  readonly type: 'json' | 'text' | 'bytes' | 'streamed';
  /** Names and values, one after the other. */
  readonly headers?: readonly string[];
  /** Part of it was denied, which the audit log wants to know. */
  readonly denied?: boolean;
}

/** An answer of as much as the state holds: its body is written in slices. */
export interface Written {
  readonly type: 'written';
  readonly pretty: boolean;
  /** Writes the body; returns what else there is to say, if anything. */
  readonly write: (state: Frozen, out: JsonWriter) => Work<Aside | void>;
}

/** What an answer says besides its body of JSON, known when that is written. */
export interface Aside {
  /** 200 when absent. */
  readonly status?: number;
  readonly headers?: readonly string[];
  /** Sent instead of what was written. */
  readonly text?: string;
}

/** The body of a 200, JSON or undefined for an empty one; or more than that. */
export type SentReply = Buffer | undefined | Shaped;

export type Reply = SentReply | Written;

/** The handler has sent its answer itself, to the end. */
export const streamed: Reply = { status: 200, body: Buffer.alloc(0), type: 'streamed' };

export type Handler = (call: Call) => Reply | Promise<Reply>;

/** Who vouches for what the call registers or keeps alive. */
export function principal({ caller, exchange }: Pick<Call, 'caller' | 'exchange'>): string {
  return principalOf(caller, peerAddress(exchange.request.socket) ?? '');
}

/**
 * Demands a permission of the caller.
 * @throws RegistryError `permission_denied` in Consul's words
 */
export function demand(
  { context, caller }: Pick<Call, 'context' | 'caller'>,
  resource: Resource,
  verb: Verb,
  name = '',
): void {
  context.security.acl.authorize(caller, resource, verb, name);
}

/** An answer whose body is written in slices. */
export function written({ params }: Pick<Call, 'params'>, write: Written['write']): Written {
  return { type: 'written', pretty: params.has('pretty'), write };
}

/** A list of which `write` leaves out what the caller may not see; the answer says so when it did. */
export function listed(
  call: Pick<Call, 'caller' | 'params'>,
  write: (state: Frozen, sight: Sight, out: JsonWriter) => Work<void>,
): Written {
  const { caller } = call;
  const sight = new Sight(caller.authorizer);
  return written(call, function* (state, out) {
    yield* write(state, sight, out);
    return { headers: filteredHead(sight.narrowed, caller) };
  });
}

const failure = 'Request decode failed';

/**
 * @param what begins the message
 * @throws RegistryError `invalid_argument`, in Consul's words: `Request decode failed: EOF`; BodyTooLarge
 */
export async function decodeBody<F extends Fields>(
  { exchange, context }: Call,
  shape: Schema<F>,
  what = failure,
): Promise<Decoded<F>> {
  return decodeBytes(shape, await readBody(exchange.request, context.limits.bodyBytesMax), what);
}

/** @throws RegistryError `invalid_argument` */
export function decodeBytes<F extends Fields>(shape: Schema<F>, bytes: Uint8Array, what = failure): Decoded<F> {
  return explained(what, () => decode(shape, readJson(bytes)));
}

/** A list, in the words of the endpoints that take one. @throws RegistryError `invalid_argument` */
export function decodeList<F extends Fields>(
  shape: Schema<F>,
  bytes: Uint8Array,
  what = 'Failed to parse body',
): Decoded<F>[] {
  return explained(what, () => decodeAll(shape, readJson(bytes)));
}

function explained<T>(what: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    const { code, message } = toRegistryError(error);
    throw new RegistryError(code, `${what}: ${message}`);
  }
}
