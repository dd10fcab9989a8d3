/** Which release of a configuration a client gets: the first rollout that names it, or the release for all. */

import { isInNetwork } from './network.ts';
import type { ConfigRow, Rollout, RolloutRule } from './rows.ts';

/** What is known of a client that asks for a configuration. */
export interface ConfigReader {
  /** Its app: the service that it is an instance of. */
  readonly app?: string;
  readonly address?: string;
  /** Its instance, written `NODE/ID`. */
  readonly instance?: string;
  readonly labels?: Readonly<Record<string, string>>;
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
export function givenTo({ release, md5, rollouts = [] }: ConfigRow, reader: ConfigReader): Given | undefined {
  for (const rollout of rollouts) if (isFor(rollout, reader)) return { release: rollout.release, md5: rollout.md5, rollout };
  return release === 0 ? undefined : { release, md5 };
}

function isFor({ rule }: Rollout, reader: ConfigReader): boolean {
  return rule === undefined || names(rule, reader);
}

function names(rule: RolloutRule, { app, address, instance, labels }: ConfigReader): boolean {
  switch (rule.kind) {
    case 'app':
      return app !== undefined && rule.apps.includes(app);
    case 'address':
      return address !== undefined && rule.addresses.some((each) => isInNetwork(address, each));
    case 'label': {
      const value = labels !== undefined && Object.hasOwn(labels, rule.label) ? labels[rule.label] : undefined;
      return value !== undefined && rule.values.includes(value);
    }
    case 'instance':
      return instance !== undefined && (rule.instances.includes(instance) || rule.instances.includes(instance.slice(instance.indexOf('/') + 1)));
  }
}
