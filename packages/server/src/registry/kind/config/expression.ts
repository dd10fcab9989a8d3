/** Rules that are expressions of the filter language, over what is known of a client. */

import { compileCounted, type CountedFilter } from '../../../filter/filter.ts';
import { map, struct, text } from '../../../filter/shape.ts';
/** What is known of a client. */
interface Client {
  readonly app?: string;
  readonly address?: string;
  readonly instance?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

const reader = (owner: unknown) => owner as Client;

const shape = struct({
  app: [text, (owner) => reader(owner).app ?? ''],
  address: [text, (owner) => reader(owner).address ?? ''],
  instance: [text, (owner) => reader(owner).instance ?? ''],
  labels: [map(text), (owner) => reader(owner).labels ?? {}],
});

/** Compiled expressions by the rule that has them: rules never change. */
const compiled = new WeakMap<object, CountedFilter>();

/** A filter counts the steps of its patterns over all values; it is compiled again long before its limit. */
const stepsMax = 10_000_000;

/** @throws RegistryError `invalid_argument` */
export function compileExpression(expression: string): CountedFilter {
  return compileCounted(expression, shape);
}

/** An expression that needs too much work for a client does not name it. */
export function holds(rule: { readonly expression: string }, client: Client): boolean {
  let filter = compiled.get(rule);
  if (filter === undefined || filter.steps() > stepsMax) compiled.set(rule, (filter = compileExpression(rule.expression)));
  try {
    return filter.wants(client);
  } catch {
    return false;
  }
}
