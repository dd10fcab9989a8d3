/** Decodes the body of a request by its schema, with Consul's error texts. */

import { RegistryError, toRegistryError } from '@rollcall/protocol';
import { readBody } from '../../../net/body.ts';
import { decode, decodeAll, type Decoded, type Fields, type Schema } from '../wire/decode.ts';
import { readJson } from '../wire/json.ts';
import type { Incoming } from './call.ts';

const failure = 'Request decode failed';

/**
 * @param what the beginning of the message
 * @throws RegistryError `invalid_argument`, with Consul's text: `Request decode failed: EOF`; BodyTooLarge
 */
export function decodeBody<F extends Fields>(
  { exchange, limits }: Incoming,
  shape: Schema<F>,
  what = failure,
): Promise<Decoded<F>> {
  // An asynchronous function would cost a microsecond more.
  return Promise.resolve(readBody(exchange.request, limits.bodyBytesMax)).then((bytes) => decodeBytes(shape, bytes, what));
}

/**
 * Like `decodeBody`, for a body that may be empty: it counts as an object without fields.
 * @throws RegistryError `invalid_argument`; BodyTooLarge
 */
export async function decodeOptionalBody<F extends Fields>(
  { exchange, limits }: Incoming,
  shape: Schema<F>,
  what = failure,
): Promise<Partial<Decoded<F>>> {
  const bytes = await readBody(exchange.request, limits.bodyBytesMax);
  return bytes.length === 0 ? {} : decodeBytes(shape, bytes, what);
}

/** @throws RegistryError `invalid_argument` */
function decodeBytes<F extends Fields>(shape: Schema<F>, bytes: Uint8Array, what = failure): Decoded<F> {
  return explained(what, () => decode(shape, readJson(bytes)));
}

/** A list, with the error text of the endpoints that take one. @throws RegistryError `invalid_argument` */
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
