/** Reads the question of a request from its query. A parameter that is not known is refused: ignored, it would widen the list. */

import { createHash } from 'node:crypto';
import { frameLimits as limits, isNamespaceName, RegistryError } from '@rollcall/protocol';
import { compileQuery } from '../../filter/filter.ts';
import { filterShape } from './translate.ts';

/** Stands for all namespaces of which the caller may know. */
export const everyNamespace = '*';

export interface Question {
  /** Empty: that of the token. */
  readonly namespace: string;
  /** In order, each once; empty: all. */
  readonly services: readonly string[];
  /** An instance needs all of them. */
  readonly tags: readonly string[];
  /** An expression of `filter/`; empty without one. */
  readonly filter: string;
  /** Tells lists of different questions apart; bounded, however long the question is. */
  readonly name: string;
}

const parameters = ['namespace', 'service', 'tag', 'filter'] as const;
/** More of one parameter are a mistake. */
const repeatsMax = 256;

/** @throws RegistryError `invalid_argument` */
export function readQuestion(query: string): Question {
  const given = new URLSearchParams(query);
  const unknown = [...given.keys()].find((key) => !parameters.some((each) => each === key));
  if (unknown !== undefined) throw invalid(`there is no parameter ${quoted(unknown)}; there are ${parameters.join(', ')}`);
  const namespace = only(given, 'namespace');
  if (namespace !== '' && namespace !== everyNamespace && !isNamespaceName(namespace)) {
    throw invalid(`namespace ${quoted(namespace)} is not a DNS label of letters, digits and hyphens, 63 characters at most; * stands for all namespaces`);
  }
  const filter = only(given, 'filter');
  if (filter !== '') compileQuery(filter, filterShape);
  const services = several(given, 'service');
  const tags = several(given, 'tag');
  const name = createHash('sha256').update(JSON.stringify([services, tags, filter])).digest('base64url');
  return { namespace, services, tags, filter, name };
}

function only(given: URLSearchParams, parameter: string): string {
  const [value = '', ...more] = given.getAll(parameter);
  if (more.length > 0) throw invalid(`${parameter} is given ${more.length + 1} times; give it once`);
  return value;
}

function several(given: URLSearchParams, parameter: string): string[] {
  const values = given.getAll(parameter);
  if (values.length > repeatsMax) throw invalid(`${parameter} is given ${values.length} times, the limit is ${repeatsMax}`);
  for (const value of values) {
    // An empty one would be taken for all of them.
    if (value === '' || value.length > limits.nameMax) throw invalid(`${parameter} must have 1 to ${limits.nameMax} characters`);
  }
  return [...new Set(values)].sort();
}

function invalid(message: string): RegistryError {
  return new RegistryError('invalid_argument', message);
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}
