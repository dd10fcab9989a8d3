/**
 * Converts settings of access control with names from before Consul 1.4 to their present names.
 * Source: `agent/config/deprecated.go` of Consul 1.16 (MPL-2.0): the new name wins where both are given, and
 * `acl_datacenter` switches access control on, for any value of `acl.enabled`.
 */

import { merge } from './consul-agent-files.ts';
import { at, type Values } from './consul-agent-values.ts';

const replaced: Readonly<Record<string, string>> = {
  acl_datacenter: 'primary_datacenter',
  acl_default_policy: 'acl.default_policy',
  acl_master_token: 'acl.tokens.initial_management',
  acl_token: 'acl.tokens.default',
  acl_agent_token: 'acl.tokens.agent',
  acl_agent_master_token: 'acl.tokens.agent_recovery',
  acl_replication_token: 'acl.tokens.replication',
  acl_down_policy: 'acl.down_policy',
  acl_ttl: 'acl.token_ttl',
  acl_enable_key_list_policy: 'acl.enable_key_list_policy',
  enable_acl_replication: 'acl.enable_token_replication',
};

/** @returns the settings by their new names, and the renamed ones, one sentence each */
export function withNewNames(values: Values): { values: Values; remarks: string[] } {
  const kept = Object.fromEntries(Object.entries(values).filter(([key]) => !Object.hasOwn(replaced, key)));
  const remarks: string[] = [];
  let renamed: Values = {};
  for (const [old, path] of Object.entries(replaced)) {
    const value = at(values, old);
    if (value === undefined) continue;
    renamed = merge(renamed, nested(path, value));
    remarks.push(`${old} is the old name of ${path}${old === 'acl_datacenter' ? ', and switches access control on' : ''}`);
  }
  const given = merge(renamed, kept);
  const enabled = at(values, 'acl_datacenter') !== undefined;
  return { values: enabled ? merge(given, { acl: { enabled: true } }) : given, remarks };
}

function nested(path: string, value: unknown): Values {
  return path.split('.').reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as Values;
}
