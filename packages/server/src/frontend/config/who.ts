/**
 * `GET /rollcall/v1/config/who`: which release the instances of the service get, and the clients that read the configuration through any node.
 * A client that is an instance is in the line of that instance. Instances that were lost with the release of a rollout are shown, too.
 */

import type { ConfigReaders, ReleaseCounts, ShownConfigReader } from '@rollcall/protocol';
import { assertFound } from '../../configurations/configurations.ts';
import type { Who } from '../../configurations/readers.ts';
import { inOrder, order } from '../../net/slices.ts';
import type { Pace, Work } from '../../net/turns.ts';
import { failuresOf, findConfig } from '../../registry/kind/config/find.ts';
import { givenTo } from '../../registry/kind/config/given.ts';
import { populationOf } from '../../registry/kind/config/population.ts';
import type { Call } from './call.ts';

type Connected = Who['readers'][number];

/** As they are counted. */
type Counts = { -readonly [K in keyof ReleaseCounts]: ReleaseCounts[K] };

export async function who(call: Call): Promise<ConfigReaders> {
  const ref = call.ref('read');
  const { state } = call.context.registry;
  assertFound(findConfig(state, ref), ref);
  const { readers, count, missing } = await call.configurations.who(ref);
  const row = assertFound(findConfig(state, ref), ref);
  const connected = new Map(readers.flatMap((reader) => (reader.instance === undefined ? [] : [[reader.instance, reader] as const])));
  const failures = Array.from(failuresOf(state, ref)).filter(({ lost }) => lost !== 'without');
  const errors = new Map(failures.map(({ release, instance, error }) => [`${release} ${instance}`, error]));
  return call.inTurns(function* (pace) {
    const members = yield* inOrder(populationOf(state, ref.namespace, call.params.get('service') || row.app), (a, b) => order(a.instance, b.instance), pace);
    const shown: ShownConfigReader[] = [];
    const there = new Set<string>();
    for (const member of members) {
      const { address, instance, isUnhealthy: unhealthy } = member;
      const given = givenTo(state, row, member);
      const reader = connected.get(instance);
      there.add(instance);
      shown.push({
        ...{ instance, address, release: given?.release ?? 0, unhealthy },
        ...(given?.rollout === undefined ? {} : { rollout: given.rollout.name }),
        ...readerJson(reader, given && errors.get(`${given.release} ${instance}`)),
      });
      // Its checks and those of its node were looked at.
      if (pace.spend(8)) yield;
    }
    for (const reader of readers) {
      const { client, instance = client, address = '', release, rollout } = reader;
      if (reader.instance !== undefined && there.has(reader.instance)) continue;
      shown.push({ instance, address, release, ...(rollout === undefined ? {} : { rollout }), ...readerJson(reader, undefined) });
      if (pace.spend(2)) yield;
    }
    for (const { instance, release, lost, error } of failures) {
      const rollout = row.rollouts?.find((each) => each.release === release);
      if (lost === undefined || rollout === undefined || there.has(instance) || connected.has(instance)) continue;
      shown.push({ instance, address: '', release, rollout: rollout.name, unhealthy: true, error });
      if (pace.spend(2)) yield;
    }
    return { readers: call.params.has('limit') ? yield* some(shown, call.number('limit'), pace) : shown, releases: yield* counted(shown, pace), count, missing };
  });
}

function* counted(lines: readonly ShownConfigReader[], pace: Pace): Work<readonly ReleaseCounts[]> {
  const counts = new Map<number, Counts>();
  for (const { release, unhealthy, applied, error } of lines) {
    let own = counts.get(release);
    if (own === undefined) counts.set(release, (own = { release, readers: 0, instances: 0, applied: 0, unhealthy: 0, errors: 0, faulty: 0 }));
    own.readers++;
    if (unhealthy !== undefined) own.instances++;
    if (applied === release) own.applied++;
    if (unhealthy === true) own.unhealthy++;
    if (error !== undefined) own.errors++;
    if (unhealthy === true || (unhealthy !== undefined && error !== undefined)) own.faulty++;
    if (pace.spend(0.5)) yield;
  }
  return [...counts.values()].sort((a, b) => b.release - a.release);
}

/** Those with a fault first, then those with the newest release. */
function* some(lines: ShownConfigReader[], most: number, pace: Pace): Work<readonly ShownConfigReader[]> {
  const rank = ({ error, unhealthy }: ShownConfigReader): number => (error !== undefined ? 2 : unhealthy === true ? 1 : 0);
  return (yield* inOrder(lines, (a, b) => rank(b) - rank(a) || b.release - a.release, pace)).slice(0, most);
}

/** What is known of it as a client. @param failure what went wrong in it */
function readerJson(reader: Connected | undefined, failure: string | undefined): Pick<ShownConfigReader, 'applied' | 'error' | 'reader'> {
  const error = failure ?? reader?.report?.error;
  return {
    ...(reader?.report?.applied === true ? { applied: reader.report.release } : {}),
    ...(error === undefined ? {} : { error }),
    ...(reader === undefined ? {} : { reader: connectionOf(reader) }),
  };
}

function connectionOf({ client, node, via, cluster, labels, report }: Connected): NonNullable<ShownConfigReader['reader']> {
  return { client, node, via, ...(cluster === undefined ? {} : { cluster }), ...(labels === undefined ? {} : { labels }), ...(report === undefined ? {} : { report }) };
}
