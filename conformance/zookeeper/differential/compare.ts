/** Gives two servers the same random steps, and finds the first step whose outcome differs. */

import { seeded } from '../../cluster/seeded.ts';
import { Side, type Outcome } from './side.ts';
import { steps, type ClientStep } from './steps.ts';

export interface Difference {
  readonly step: number;
  readonly what: string;
  readonly one: unknown;
  readonly other: unknown;
  /** The steps that led there, the last ones. */
  readonly before: readonly string[];
}

export interface Compared {
  readonly steps: number;
  /** Steps whose answer was no error, so that a run of errors does not look like a good one. */
  readonly succeeded: number;
  readonly events: number;
  readonly difference: Difference | undefined;
}

/**
 * @param ports of the two servers
 * @param count of steps
 */
export async function compare(ports: readonly [number, number], seed: number, count: number): Promise<Compared> {
  const [one, other] = [await Side.open(ports[0]), await Side.open(ports[1])];
  const taken: ClientStep[] = [];
  const seen: [Outcome[], Outcome[]] = [[], []];
  const found = (step: number, what: string, values: readonly [unknown, unknown]): Difference => ({ step, what, one: values[0], other: values[1], before: taken.slice(Math.max(0, step - 12), step + 1).map(text) });
  let difference: Difference | undefined;
  let succeeded = 0;
  let events = 0;
  for (const next of steps(seeded(seed), count)) {
    taken.push(next);
    const [first, second] = await Promise.all([one.take(next), other.take(next)]);
    seen[0].push(first);
    seen[1].push(second);
    if (typeof first.answer !== 'object' || first.answer === null || !('err' in first.answer)) succeeded++;
    events += first.events.reduce((sum, list) => sum + list.length, 0);
    const at = taken.length - 1;
    if (plain(first.answer) !== plain(second.answer)) difference = found(at, 'answer', [first.answer, second.answer]);
    else if (plain(first.events) !== plain(second.events)) difference = found(at, 'events', [first.events, second.events]);
    if (difference !== undefined) break;
  }
  await one.close();
  await other.close();
  const order = difference === undefined ? orders(seen, found) : difference;
  return { steps: taken.length, succeeded, events, difference: order };
}

const zxidNames = new Set(['czxid', 'mzxid', 'pzxid']);

/** JSON with zxids left out. */
const plain = (value: unknown): string => JSON.stringify(value, (name, each: unknown) => (zxidNames.has(name) ? undefined : each));

/** Zxids as their place in the order of all that the server has shown: these must be equal. */
function orders(seen: readonly [readonly Outcome[], readonly Outcome[]], found: (step: number, what: string, values: readonly [unknown, unknown]) => Difference): Difference | undefined {
  const ranked = seen.map((outcomes) => {
    const zxids = new Set<number>();
    JSON.stringify(outcomes, (name, each: unknown) => (zxidNames.has(name) && zxids.add(each as number), each));
    const rank = new Map([...zxids].sort((one, other) => one - other).map((zxid, at) => [zxid, at]));
    return outcomes.map(({ answer }) => JSON.stringify(answer, (name, each: unknown) => (zxidNames.has(name) ? rank.get(each as number) : each)));
  });
  const at = seen[0].findIndex((_, step) => ranked[0]?.[step] !== ranked[1]?.[step]);
  return at === -1 ? undefined : found(at, 'order of zxids', [ranked[0]?.[at], ranked[1]?.[at]]);
}

function text({ client, step }: ClientStep): string {
  if (step.kind !== 'ask') return `client ${client}: ${step.kind}`;
  return `client ${client}: ${step.op} ${JSON.stringify(step.body, (name, each: unknown) => (name === 'acl' && Array.isArray(each) ? each.map(({ id }: { id: { scheme: string } }) => id.scheme).join() : each))}`;
}
