/** A moment of the past, as callers write it: milliseconds of Unix time, or `r` with a revision. Pure. */

import { RegistryError } from '@rollcall/protocol';

export type Moment = { readonly atMs: number } | { readonly revision: number };

/**
 * @param name of the parameter, for the message
 * @throws RegistryError `invalid_argument`
 */
export function parseMoment(text: string, name: string): Moment {
  const [, mark, digits = ''] = /^(r?)(\d{1,16})$/.exec(text) ?? [];
  if (mark === undefined) {
    throw new RegistryError('invalid_argument', `${name} is ${JSON.stringify(text.slice(0, 40))}; it must be a time in milliseconds since the Unix epoch, such as 1767225600000, or a revision, such as r123`);
  }
  return mark === 'r' ? { revision: Number(digits) } : { atMs: Number(digits) };
}
