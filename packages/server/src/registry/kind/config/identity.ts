/**
 * Which instance a client is that says only where it is: clients of Apollo, Spring Cloud Config, OFREP and Nacos know no instance of
 * a registry. It is the live instance at its address, of the service whose instances the rollout counts.
 *
 *   one instance there      the client is that one: its share, its place, its labels
 *   several                 the client is one of them: a share by its address, a place when all of them have one
 *   none                    a share by its address, no place
 */

import type { Reader } from '../../reader.ts';
import type { Indexed } from '../../room.ts';
import { statuses } from '../catalog/effective-status.ts';
import type { InstanceRow } from '../catalog/rows.ts';
import type { InstanceAddresses } from './instance-addresses.ts';
import { instanceName } from './instance-name.ts';
import type { ConfigRef, Rollout } from './rows.ts';

/** The rows of a state, with the index over them. */
export type IndexedRows = Reader & Pick<Indexed, 'index'>;

/** Where a client is, and who, as far as that is known. */
export interface Identity {
  readonly address?: string;
  /** Its instance, written `NODE/ID`. */
  readonly instance?: string;
  /** It is one of these instances, and not known which. */
  readonly among?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
}

/** @returns the client with what the catalog knows of it, for this rollout */
export function identified<C extends Identity>(rows: IndexedRows, { namespace, app }: ConfigRef, { rule, staged }: Rollout, client: C): C {
  const { instance, address, labels } = client;
  const mayDiffer = staged !== undefined || rule?.kind === 'instance' || rule?.kind === 'label' || rule?.kind === 'expression';
  if (instance !== undefined || address === undefined || !mayDiffer) return client;
  const addresses = rows.index('config') as InstanceAddresses;
  const there = liveOf(rows, addresses.at(rows, namespace, staged?.service ?? app, address));
  const [only] = there;
  if (only === undefined) return client;
  if (there.length > 1) return { ...client, among: there.map(instanceName) };
  return { ...client, instance: instanceName(only), labels: { ...only.meta, ...labels } };
}

/** An address may have a dead instance beside its successor; one that is dead alone has kept its address. */
function liveOf(rows: Reader, there: readonly InstanceRow[]): readonly InstanceRow[] {
  if (there.length < 2) return there;
  const statusOf = statuses(rows);
  const live = there.filter((row) => statusOf(row) !== 'critical');
  return live.length === 0 ? there : live;
}
