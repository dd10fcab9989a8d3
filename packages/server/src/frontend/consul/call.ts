/** What a handler of a write (or of a read that does not come from a view) is given, and its body. */

import { RegistryError, toRegistryError } from '@rollcall/protocol';
import { readBody } from '../../net/body.ts';
import { peerAddress } from '../../net/agent-node.ts';
import type { Context, Exchange } from '../../net/frontend.ts';
import { principalOf } from '../../net/principal.ts';
import type { Caller } from '../../security/acl.ts';
import type { Resource, Verb } from '../../security/authorizer.ts';
import { decode, decodeAll, type Decoded, type Fields, type Schema } from './decode.ts';
import { readJson } from './json.ts';
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

/** The body of a 200: JSON, or undefined for an empty one. */
export type Reply = Buffer | undefined | Shaped;

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

/** A list of which `encode` leaves out what the caller may not see; the answer says so when it did. */
export function listed({ caller }: Call, encode: (sight: Sight) => Buffer): Reply {
  const sight = new Sight(caller.authorizer);
  const body = encode(sight);
  const head = filteredHead(sight.narrowed, caller);
  return head.length === 0 ? body : { status: 200, body, type: 'json', headers: head };
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
