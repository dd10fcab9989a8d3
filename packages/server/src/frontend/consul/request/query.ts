/**
 * What a read asks for: the views that its answer depends on, and how to encode it. A query knows
 * neither requests nor waiting (`answer/blocking.ts`), so one is made per URL and used again.
 */

import type { Work } from '../../../net/turns.ts';
import type { Frozen } from '../../../registry/frozen.ts';
import type { Reader } from '../../../registry/reader.ts';
import { invalid } from '../wire/errors.ts';
import type { JsonWriter } from '../wire/json-writer.ts';
import { type Params, unescapePath } from '../wire/params.ts';
import { checkName } from '../wire/vetting.ts';
import type { Permission } from './permission.ts';
import type { Scope } from './scope.ts';
import type { Shown, VisibilityFilter } from './visibility-filter.ts';

/**
 * Queries of which there are many are written as one literal: an object that begins with a spread gets a hidden class of
 * its own in V8, and code that meets a thousand hidden classes is slow.
 */
interface QueryBase {
  /** The view that the answer depends on. */
  readonly view: string;
  /** Further views, for the few answers that depend on several. */
  readonly others?: readonly string[];
  /** Names the representation among those of the same view; everything that shapes the bytes is in it. */
  readonly name: string;
  /** What callers need to get any answer, for as long as they wait for one. */
  readonly permission?: Permission;
  /** Kinds of the rows that are left out where the caller may not read them. */
  readonly shows: readonly Shown[];
  /** Views that shape the body without being its content: their changes wake no parked query. */
  readonly shapedBy?: readonly string[];
  /**
   * The body is filtered, so most changes of its view do not change it: a waiting client is answered only when the body has
   * changed.
   */
  readonly filtered?: boolean;
  /** For the few answers that clients wait for by something else than a revision. */
  readonly token?: Token;
  /** The body is a stored value, not JSON. */
  readonly raw?: boolean;
}

/** For one thing: its body is small, and encoded in one go. */
export interface SingleQuery extends QueryBase {
  /** The body; undefined for a 404 with an empty one. Depends on nothing but the state and the filter. */
  readonly encode: (state: Reader, visible: VisibilityFilter) => Buffer | undefined;
}

/** For a list of any length: its body is written in slices. */
export interface ListQuery extends QueryBase {
  readonly pretty: boolean;
  /** Writes the body; returns false for a 404 with an empty one. Depends on nothing but the state and the filter. */
  readonly write: (state: Frozen, visible: VisibilityFilter, out: JsonWriter) => Work<false | void>;
}

export type Query = SingleQuery | ListQuery;

/** A token that identifies an answer: a client sends it, and waits while it is still the same. */
export interface Token {
  readonly param: 'hash' | 'index';
  readonly header: 'X-Consul-Contenthash' | 'X-Consul-Index';
  /** Undefined when nothing is there. */
  readonly of: (state: Reader, visible: VisibilityFilter) => string | undefined;
}

/** Where a query is read from: a path after its route's prefix, and the parameters. */
export interface Asked extends Pick<Scope, 'namespace' | 'named'> {
  /** Percent-encoded. */
  readonly rest: string;
  readonly params: Params;
  readonly datacenter: string;
}

/** Makes JSON bodies: compact, or as `?pretty` wants it. */
export function jsonBody(params: Params): (value: unknown) => Buffer {
  if (params.has('pretty')) return (value) => Buffer.from(`${JSON.stringify(value, null, 4)}\n`);
  return (value) => Buffer.from(JSON.stringify(value));
}

/** The part of a representation's name that says how it is written, and for which namespace. */
export function formOf({ params, namespace, named }: Pick<Asked, 'params' | 'namespace' | 'named'>): string {
  const form = params.has('pretty') ? 'consul pretty' : 'consul';
  return named ? `${form} in ${namespace}` : form;
}

/**
 * The decoded rest of the path, which may hold any character but control characters.
 * @param what for the message: `service name`
 * @throws RegistryError `invalid_argument` when it is empty or not a name
 */
export function restOf({ rest }: Pick<Asked, 'rest'>, what: string): string {
  const name = unescapePath(rest);
  if (name === '') throw invalid(`Missing ${what}`);
  checkName(name, what);
  return name;
}
