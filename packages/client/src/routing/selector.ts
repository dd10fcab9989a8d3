/**
 * Selectors: choose instances of a service by their tags, metadata and version. Pure; other files decide
 * about health and the choice for a request.
 */

import { type Instance, RegistryError, selects } from '@rollcall/protocol';
import { checkKnown, type OptionNames } from '../option-check.ts';

/** An instance must meet all given conditions. */
export interface Selector {
  /** Tags that an instance must have; it must have all of them. */
  readonly tags?: readonly string[];
  /** Tags that an instance must not have. */
  readonly withoutTags?: readonly string[];
  /** Metadata that an instance must have, with exactly these values. */
  readonly meta?: Readonly<Record<string, string>>;
  /**
   * The version (metadata `version`), as far as it is given: `2.1` matches 2.1 and every 2.1.x, not 2.10. An instance
   * without a version never matches.
   */
  readonly version?: string;
}

const selectorOptions: OptionNames<Selector> = { tags: true, withoutTags: true, meta: true, version: true };

/** A selector, or a predicate of the program; it must depend on the instance only. */
export type InstanceFilter = Selector | ((instance: Instance) => boolean);

/**
 * @param where the name of the filter, for messages
 * @throws RegistryError `invalid_argument` for an unknown member, or a version that is empty or ends with a dot
 */
export function instancePredicate(filter: InstanceFilter, where = 'a selector'): (instance: Instance) => boolean {
  if (typeof filter === 'function') return filter;
  checkKnown(filter, selectorOptions, where);
  const { version } = filter;
  if (version !== undefined && !/^[^.]+(\.[^.]+)*$/.test(version)) {
    const message = `version ${JSON.stringify(version)} cannot match; give its leading parts, like "2" or "2.1"`;
    throw new RegistryError('invalid_argument', message);
  }
  return selects(filter);
}
