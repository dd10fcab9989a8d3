/** Headers of a request in the forms that undici accepts: reads one, adds one. */

import type { Dispatcher } from 'undici';
import type { HeaderReader } from '../routing/canary.ts';

type Headers = Dispatcher.DispatchOptions['headers'];

/** Reads single headers; the forms are a flat array, an object, or pairs. */
export function headerReader(headers: Headers): HeaderReader {
  return (wanted) => {
    for (const [name, value] of pairs(headers)) {
      if (name.toLowerCase() === wanted) return Array.isArray(value) ? value[0] : value;
    }
    return undefined;
  };
}

/** The headers with `more` added; names in `more` are in lower case and replace headers of the same name. */
export function withHeaders(headers: Headers, added: Readonly<Record<string, string>>): Record<string, string | string[]> {
  const all: Record<string, string | string[]> = {};
  for (const [name, given] of pairs(headers)) {
    if (given === undefined || Object.hasOwn(added, name.toLowerCase())) continue;
    const before = all[name];
    // A flat array may contain a header twice.
    all[name] = before === undefined ? given : [before, given].flat();
  }
  return Object.assign(all, added);
}

/**
 * The headers with one length: Node's `fetch` appends the body's length to the given one, as "5, 5", which
 * undici 7 refuses. Equal values are merged (RFC 9110 §8.6); different values stay, so that they are refused.
 */
export function withOneLength(headers: Headers): Headers {
  for (const [name, value] of pairs(headers)) {
    if (typeof value !== 'string' || !value.includes(',') || name.toLowerCase() !== 'content-length') continue;
    const [length = '', ...others] = value.split(',').map((one) => one.trim());
    return others.every((other) => other === length) ? withHeaders(headers, { 'content-length': length }) : headers;
  }
  return headers;
}

function* pairs(headers: Headers): Iterable<readonly [string, string | string[] | undefined]> {
  if (headers === undefined || headers === null) return;
  if (Array.isArray(headers)) {
    for (let at = 0; at + 1 < headers.length; at += 2) yield [headers[at] as string, headers[at + 1]];
  } else if (Symbol.iterator in headers) yield* headers as Iterable<[string, string | string[] | undefined]>;
  else for (const name of Object.keys(headers)) yield [name, headers[name]];
}
