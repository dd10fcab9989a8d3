/**
 * Records of format 1, in which a configuration had a group and an id, and no cluster, and a proposal had no rule. They keep their keys, so they are carried
 * over as they are read, and nodes of both versions may share a store during an upgrade.
 */

import type { EarlierFormat } from '../../room.ts';
import { defaultCluster } from './keys.ts';
import { ownName } from './rollouts.ts';
import type { RolloutRule } from './rows.ts';

type Fields = Record<string, unknown>;

export const config1: EarlierFormat = {
  format: 1,
  keyFields: ['namespace', 'group', 'id'],
  carryOver(row) {
    const { app: appName, gray } = row;
    renamed(row);
    if (appName !== undefined) row['foreign'] = { nacos: { appName } };
    if (gray === undefined) return;
    row['rollouts'] = (gray as readonly Fields[]).map(({ rule, ...rest }) => ({ ...rest, rule: ruleOf(rule as Rule1) }));
    delete row['gray'];
  },
};

export const release1: EarlierFormat = {
  format: 1,
  carryOver(row) {
    renamed(row);
    rename(row, 'replaced', 'parent');
    rename(row, 'gray', 'rollout');
    row['hash'] = '';
  },
};

/** Its rollout was a plan for all clients, and the policy of the day of publication stood in for one that was missing. */
export const proposal1: EarlierFormat = {
  format: 1,
  carryOver(row) {
    if (row['rollout'] !== undefined) row['rollout'] = { name: ownName, priority: 0, plan: row['rollout'] };
    else if (row['remove'] !== true) row['byPolicy'] = true;
  },
};

function renamed(row: Fields): void {
  rename(row, 'group', 'app');
  rename(row, 'id', 'name');
  rename(row, 'type', 'format');
  row['cluster'] = defaultCluster;
}

function rename(row: Fields, from: string, to: string): void {
  if (!Object.hasOwn(row, from)) return;
  row[to] = row[from];
  delete row[from];
}

type Rule1 = { readonly kind: 'ip'; readonly addresses: readonly string[] } | { readonly kind: 'tag'; readonly tag: string };

/** A client of Nacos sends one tag, which is its label `tag`. */
function ruleOf(rule: Rule1): RolloutRule {
  return rule.kind === 'ip' ? { kind: 'address', addresses: rule.addresses } : { kind: 'label', label: 'tag', values: [rule.tag] };
}
