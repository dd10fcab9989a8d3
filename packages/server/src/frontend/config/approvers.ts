/**
 * `GET /rollcall/v1/config/approvers`: who can approve a configuration's draft or proposal, for those who look for an approver. Whether an approval counts is
 * decided when it is given, and again at the publication.
 */

import type { Approvers } from '@rollcall/protocol';
import { configName, policyOf } from '../../registry/kind/config/find.ts';
import { permissions, type Call } from './call.ts';

/** Named at most. */
const namedMax = 20;

export function approvers(call: Call): Approvers {
  const ref = call.ref('read');
  const { acl } = call.context.security;
  const { approvals = 0, fourEyes = false } = policyOf(call.state, ref.namespace);
  const about = { approvals, fourEyes, accessControl: acl.enabled };
  const holders = acl.holders(call.caller, { namespace: ref.namespace, ...permissions.approve, name: configName(ref) });
  if (holders === undefined) return about;
  const editors = new Set(fourEyes ? editorsOf(call, ref) : []);
  const [tokens, roles] = [holders.tokens.filter(({ accessorId }) => !editors.has(accessorId)), holders.roles];
  const names = [...new Set(tokens.map(({ description }) => description).filter((each) => each !== ''))];
  return {
    ...about,
    tokens: names.slice(0, namedMax),
    more: Math.max(0, names.length - namedMax),
    unnamed: tokens.filter(({ description }) => description === '').length,
    roles,
    ...(holders.partial ? { partial: true } : {}),
  };
}

/** Of the proposal that the request names; else of the draft, which the caller would propose. */
function editorsOf(call: Call, ref: ReturnType<Call['ref']>): readonly string[] {
  if (call.params.get('number') !== null) return call.rows.proposal(ref, call.number('number'))?.editors ?? [];
  return [...(call.rows.draft(ref)?.editors ?? []), call.caller.accessorId];
}
