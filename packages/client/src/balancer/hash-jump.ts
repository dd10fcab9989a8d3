/**
 * Jump hash over numbered endpoints: shards `db-0` … `db-9`, which grow and shrink at the end. An endpoint that
 * leaves from the middle renumbers all after it; `maglev` and `memento` avoid that.
 */

import { checkKnown } from '../option-check.ts';
import { JumpTable } from '../hashing/jump.ts';
import { type HashBalancerFactory, hashOptions, type HashOptions, type Placed, TableBalancer } from './hash-balancer.ts';

/**
 * Keys to endpoints by jump hash, in the order of their names with numbers by value: `db-10` after
 * `db-9`. Give `nameOf: ({ id }) => id` when the ids are numbered. Weights are ignored for requests with a key.
 * O(ln endpoints) per pick.
 */
export function jump(options: HashOptions = {}): HashBalancerFactory {
  checkKnown(options, hashOptions, 'jump');
  return (random) => new TableBalancer(random, inNaturalOrder, options);
}

function inNaturalOrder(nodes: readonly { readonly name: string }[]): Placed {
  const order = nodes.map(({ name }, at) => ({ parts: partsOf(name), at }));
  order.sort((a, b) => compare(a.parts, b.parts) || a.at - b.at);
  const places: number[] = nodes.map(() => 0);
  order.forEach(({ at }, place) => (places[at] = place));
  return { table: new JumpTable(nodes.length), places };
}

/** Runs of digits and of anything else. */
function partsOf(name: string): readonly string[] {
  return name.match(/\d+|\D+/g) ?? [];
}

/** Numbers by value, the rest by code units: no locale, so that all clients agree. */
function compare(a: readonly string[], b: readonly string[]): number {
  for (let at = 0; at < Math.min(a.length, b.length); at++) {
    const [one, other] = [a[at] as string, b[at] as string];
    const byValue = isNumber(one) && isNumber(other) ? valueOf(one).length - valueOf(other).length : 0;
    if (byValue !== 0) return byValue;
    const [left, right] = isNumber(one) && isNumber(other) ? [valueOf(one), valueOf(other)] : [one, other];
    if (left !== right) return left < right ? -1 : 1;
  }
  return a.length - b.length;
}

const isNumber = (part: string) => part.charCodeAt(0) >= 48 && part.charCodeAt(0) <= 57;

/** Without leading zeros: of two such strings the longer one is the greater number. */
const valueOf = (digits: string) => digits.replace(/^0+/, '');
