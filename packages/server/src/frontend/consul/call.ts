/** What a handler of a write (or of a read that does not come from a view) is given, and its body. */

import { RegistryError, toRegistryError } from '@rollcall/protocol';
import { readBody } from '../../net/body.ts';
import type { Context, Exchange } from '../../net/frontend.ts';
import { decode, type Decoded, type Fields, type Schema } from './decode.ts';
import { readJson } from './json.ts';
import type { Params } from './params.ts';

export interface Call {
  readonly context: Context;
  readonly exchange: Exchange;
  /** The path after the route's prefix, percent-encoded. */
  readonly rest: string;
  readonly params: Params;
}

/** The body of a 200: JSON, or undefined for an empty one. */
export type Reply = Buffer | undefined;

export type Handler = (call: Call) => Reply | Promise<Reply>;

/** @throws RegistryError `invalid_argument`, in Consul's words: `Request decode failed: EOF`; BodyTooLarge */
export async function decodeBody<F extends Fields>(
  { exchange, context }: Call,
  shape: Schema<F>,
): Promise<Decoded<F>> {
  return decodeBytes(shape, await readBody(exchange.request, context.limits.bodyBytesMax));
}

/** @throws RegistryError `invalid_argument` */
export function decodeBytes<F extends Fields>(shape: Schema<F>, bytes: Uint8Array): Decoded<F> {
  try {
    return decode(shape, readJson(bytes));
  } catch (error) {
    const { code, message } = toRegistryError(error);
    throw new RegistryError(code, `Request decode failed: ${message}`);
  }
}
