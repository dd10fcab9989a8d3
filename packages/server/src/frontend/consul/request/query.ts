/**
 * A query: the views on which the answer of a read depends, and how to encode it. A query knows
 * neither requests nor waiting (`answer/blocking.ts`), so one is created per URL and reused.
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
 * Write queries that are created often as one literal: an object that begins with a spread gets its own hidden class
 * in V8, and code that meets a thousand hidden classes is slow.
 */
interface QueryBase {
  /** The view that the answer depends on. */
  readonly view: string;
  /** Further views, for the few answers that depend on several. */
  readonly others?: readonly string[];
  /** Identifies the representation among those of the same view; includes everything that affects the bytes. */
  readonly name: string;
  /** The permission for any answer, also while the request waits. */
  readonly permission?: Permission;
  /** Kinds of rows that are left out if the caller may not read them. */
  readonly shows: readonly Shown[];
  /** Views that affect the body without being its content: their changes wake no parked query. */
  readonly shapedBy?: readonly string[];
  /**
   * The body is filtered, so most changes of its view do not change it: a waiting client is answered only when the body has
   * changed.
   */
  readonly filtered?: boolean;
  /** For the few answers for which clients wait with a token instead of a revision. */
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
  /** Undefined if there is no content. */
  readonly of: (state: Reader, visible: VisibilityFilter) => string | undefined;
}

/** `?ns` and the header of a request for all namespaces. */
export const everyNamespace = '*';

/** The input of a query: the path after the route's prefix, and the parameters. */
export interface Asked extends Pick<Scope, 'namespace' | 'named'> {
  /** Names of all namespaces, if `namespace` is the wildcard (`every-namespace.ts`). */
  readonly all?: readonly string[] | undefined;
  /** Percent-encoded. */
  readonly rest: string;
  readonly params: Params;
  readonly datacenter: string;
}

/** Encodes JSON bodies: compact, or indented for `?pretty`. */
export function jsonBody(params: Params): (value: unknown) => Buffer {
  if (params.has('pretty')) return (value) => Buffer.from(`${JSON.stringify(value, null, 4)}\n`);
  return (value) => Buffer.from(JSON.stringify(value));
}

/** The part of a representation's name for its format and namespace. */
export function formOf({ params, namespace, named }: Pick<Asked, 'params' | 'namespace' | 'named'>): string {
  const form = params.has('pretty') ? 'consul pretty' : 'consul';
  return named ? `${form} in ${namespace}` : form;
}

/**
 * The decoded rest of the path, which may contain all characters except control characters.
 * @param what for the message: `service name`
 * @throws RegistryError `invalid_argument` if it is empty or not a name
 */
export function restOf({ rest }: Pick<Asked, 'rest'>, what: string): string {
  const name = unescapePath(rest);
  if (name === '') throw invalid(`Missing ${what}`);
  checkName(name, what);
  return name;
}
