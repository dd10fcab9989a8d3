/**
 * One look at the instances of a rollout: whether its alarm ends it now, and who has its places. Pure functions over rows.
 *
 *   bad = critical, or lost since the rollout began     (on: unhealthy)
 *       = reports an error of the release               (on: error)
 *
 *   share of the bad among those with the release − share of the bad among the others ≥ share of the alarm: it ends
 *
 * A lost instance that is not registered again counts among those that there are.
 */

import type { Reader } from '../../reader.ts';
import { failuresOf, type StagedRollout } from './find.ts';
import { isFor } from './given.ts';
import { placesOf, populationOf, serviceOf, type Member } from './population.ts';
import type { Alarm, ConfigRow, FailureRow } from './rows.ts';

/** What a look at the population says about a rollout. */
export interface Look {
  /** Why its alarm ends it now; undefined when it does not. */
  readonly alarm: string | undefined;
  /** The instances that have the release in this stage, if it has a count. */
  readonly places: readonly string[];
  /** All instances. */
  readonly counted: number;
}

/** Yields after each instance, since there may be a hundred thousand. Rows may change between two steps: that is the next look's business. */
export function* lookAt(reader: Reader, row: ConfigRow, rollout: StagedRollout): Generator<undefined, Look, undefined> {
  const population = populationOf(reader, row.namespace, serviceOf(row, rollout));
  const alarm = yield* alarmOf(reader, row, rollout, population);
  return { alarm, places: yield* placesOf(population, row, rollout), counted: population.length };
}

/** Yields after each instance. @returns why the alarm of a rollout ends it now; undefined when it does not */
export function* alarmOf(reader: Reader, row: ConfigRow, rollout: StagedRollout, population: readonly Member[]): Generator<undefined, string | undefined, undefined> {
  const { alarm } = rollout.staged;
  if (alarm === undefined || alarm.on.length === 0) return undefined;
  const [taken, others]: [Member[], Member[]] = [[], []];
  for (const member of population) {
    (isFor(row, rollout, member) ? taken : others).push(member);
    yield;
  }
  const failed = (lost: FailureRow['lost']) => new Set(Array.from(failuresOf(reader, row)).flatMap((each) => (each.release === rollout.release && each.lost === lost ? [each.instance] : [])));
  for (const on of alarm.on) {
    if (on === 'error') {
      const reporting = failed(undefined);
      const reason = yield* judge(alarm, { members: taken, lost: none }, { members: others, lost: none }, ({ instance }) => reporting.has(instance));
      if (reason !== undefined) return `${reason} report an error`;
      continue;
    }
    const [lost, otherLost] = [failed('with'), failed('without')];
    const reason = yield* judge(alarm, { members: taken, lost }, { members: others, lost: otherLost }, (member) => member.isUnhealthy);
    if (reason !== undefined) return `${reason} are critical${lost.size + otherLost.size === 0 ? '' : ' or were lost'}`;
  }
  return undefined;
}

const none: ReadonlySet<string> = new Set();

/** The instances with the release, or the others. */
interface Side {
  readonly members: readonly Member[];
  /** They count as bad, whether they are registered again or not. */
  readonly lost: ReadonlySet<string>;
}

type IsBad = (member: Member) => boolean;

/** What makes all instances sick alike is no fault of the release, so the share is that above the others'. */
function* judge({ share, atLeast = 1 }: Alarm, taken: Side, others: Side, isBad: IsBad): Generator<undefined, string | undefined, undefined> {
  const { bad, all } = yield* count(taken, isBad);
  // Most looks end here, so the others are not counted.
  if (all === 0 || bad < atLeast || bad / all + rounding < share) return undefined;
  const rest = yield* count(others, isBad);
  const excess = bad / all - (rest.all === 0 ? 0 : rest.bad / rest.all);
  if (excess + rounding < share) return undefined;
  return `${bad} of ${all} instances with the release, and ${rest.bad} of ${rest.all} without it,`;
}

/** Shares are sums of fractions: one of three is not exactly a third. */
const rounding = 1e-9;

function* count({ members, lost }: Side, isBad: IsBad): Generator<undefined, { readonly bad: number; readonly all: number }, undefined> {
  let [bad, back] = [0, 0];
  for (const member of members) {
    const wasLost = lost.size > 0 && lost.has(member.instance);
    if (wasLost) back++;
    if (wasLost || isBad(member)) bad++;
    yield;
  }
  const gone = lost.size - back;
  return { bad: bad + gone, all: members.length + gone };
}
