/** Which release of a configuration a client gets: the first rollout that names it, or the release for all. */

import { isWithinPercent } from '@rollcall/protocol';
import { holds } from './expression.ts';
import { identified, type Identity, type IndexedRows } from './identity.ts';
import { isInNetwork } from './network.ts';
import type { ConfigRef, ConfigRow, Rollout, RolloutRule, Staged } from './rows.ts';

/** What is known of a client that asks for a configuration. */
export interface ConfigReader extends Identity {
  /** Its app: the service that it is an instance of. */
  readonly app?: string;
  /** It gets the configurations of this cluster before those of its datacentre and of the cluster `default`. */
  readonly cluster?: string;
  readonly datacentre?: string;
}

/** The release that a client gets. */
export interface Given {
  readonly release: number;
  readonly md5: string;
  /** The rollout that it is of; absent: the one for all. */
  readonly rollout?: Rollout;
}

/** @returns undefined when the client gets none */
export function givenTo(rows: IndexedRows, row: ConfigRow, reader: ConfigReader): Given | undefined {
  const { release, md5, rollouts = [] } = row;
  for (const rollout of rollouts) {
    if (isFor(row, rollout, identified(rows, row, rollout, reader))) return { release: rollout.release, md5: rollout.md5, rollout };
  }
  return release === 0 ? undefined : { release, md5 };
}

/** Whether a rollout gives its release to a client. */
export function isFor(row: ConfigRef, { rule, staged, release }: Rollout, reader: ConfigReader): boolean {
  return (rule === undefined || names(rule, reader)) && (staged === undefined || isInStage(staged, saltOf(row, release), reader));
}

/** Tells the shares of two rollouts apart, so that the same instances are not always the first. */
export function saltOf({ namespace, app, cluster, name }: ConfigRef, release: number): string {
  return `${namespace}/${app}/${cluster}/${name}#${release}`;
}

function isInStage({ stages, stage, assigned = none }: Staged, salt: string, reader: ConfigReader): boolean {
  const at = stages[stage];
  if (at === undefined) return false;
  const { instance, address } = reader;
  if (assigned.length > 0 && isEachOf(reader, (each) => setOf(assigned).has(each))) return true;
  if ('count' in at) return false;
  // A client that has neither is in no share, except in the whole.
  const unit = instance ?? address;
  return unit === undefined ? at.percent >= 100 : isWithinPercent(salt, unit, at.percent);
}

/** Whether it holds of the client's instance, whichever of several it is. */
function isEachOf({ instance, among = none }: ConfigReader, holdsOf: (instance: string) => boolean): boolean {
  return instance === undefined ? among.length > 0 && among.every(holdsOf) : holdsOf(instance);
}

const none: readonly string[] = [];

/** Places by the list that has them, which never changes: each of many thousand clients asks. */
const sets = new WeakMap<readonly string[], ReadonlySet<string>>();

function setOf(places: readonly string[]): ReadonlySet<string> {
  let set = sets.get(places);
  if (set === undefined) sets.set(places, (set = new Set(places)));
  return set;
}

export function names(rule: RolloutRule, reader: ConfigReader): boolean {
  const { app, address, labels } = reader;
  switch (rule.kind) {
    case 'app':
      return app !== undefined && rule.apps.includes(app);
    case 'address':
      return address !== undefined && rule.addresses.some((each) => isInNetwork(address, each));
    case 'label': {
      const value = labels !== undefined && Object.hasOwn(labels, rule.label) ? labels[rule.label] : undefined;
      return value !== undefined && rule.values.includes(value);
    }
    case 'expression':
      return holds(rule, reader);
    case 'instance':
      return isEachOf(reader, (instance) => rule.instances.includes(instance) || rule.instances.includes(instance.slice(instance.indexOf('/') + 1)));
  }
}
