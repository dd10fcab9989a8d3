/** The parameters of the lists. Pure. */

import { RegistryError } from '@rollcall/protocol';

/** Where a page begins. */
export interface Position {
  /** Empty for the first page. */
  readonly service: string;
  /** The number of the service's entries that were on the pages before. */
  readonly entry: number;
}

export interface Question {
  readonly limit: number;
  readonly from: Position;
  /** In lower case; empty: all. */
  readonly search: string;
  /** Undefined: all versions. */
  readonly version: string | undefined;
  /** Milliseconds since the Unix epoch; undefined: the list as it is now. */
  readonly updatedSinceMs: number | undefined;
}

const limitDefault = 30;
const limitMax = 100;
const textMax = 255;

/** Unknown parameters are ignored, as the protocol wants. @throws RegistryError `invalid_argument` */
export function readQuestion(query: string): Question {
  const params = new URLSearchParams(query);
  const text = (name: string) => {
    const given = params.get(name) ?? '';
    if (given.length > textMax) throw new RegistryError('invalid_argument', `${name} has ${given.length} characters, the limit is ${textMax}`);
    return given;
  };
  return {
    limit: readLimit(params.get('limit')),
    from: readCursor(params.get('cursor')),
    search: text('search').toLowerCase(),
    version: text('version') || undefined,
    updatedSinceMs: readTime(params.get('updated_since')),
  };
}

function readLimit(text: string | null): number {
  if (text === null || text === '') return limitDefault;
  const limit = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > limitMax) throw new RegistryError('invalid_argument', `limit is ${JSON.stringify(text.slice(0, 20))}; it must be from 1 to ${limitMax}`);
  return limit;
}

/** Opaque to clients. */
export function cursorOf({ service, entry }: Position): string {
  return Buffer.from(`${entry} ${service}`).toString('base64url');
}

function readCursor(text: string | null): Position {
  if (text === null || text === '') return { service: '', entry: 0 };
  const given = text.length > 2 * textMax ? null : /^(\d{1,6}) (.+)$/s.exec(Buffer.from(text, 'base64url').toString());
  const position = { service: given?.[2] ?? '', entry: Number(given?.[1]) };
  if (given === null || cursorOf(position) !== text) throw new RegistryError('invalid_argument', 'the cursor is not one of this server; begin again without one');
  return position;
}

/** RFC 3339 */
const timeForm = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2})$/;

function readTime(text: string | null): number | undefined {
  if (text === null || text === '') return undefined;
  // A plus sign that the client did not encode is a space.
  const given = text.replace(/ (\d{2}:\d{2})$/, '+$1');
  const ms = timeForm.test(given) ? Date.parse(given) : NaN;
  if (Number.isNaN(ms)) throw new RegistryError('invalid_argument', `updated_since is ${JSON.stringify(text.slice(0, 40))}, which is no time of RFC 3339, such as 2026-01-31T12:00:00Z`);
  return ms;
}
