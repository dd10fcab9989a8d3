/** Rows as the JSON of this API. Pure; what a caller may see is decided before. */

import type { ConfigDraft, ConfigEnvironment, ConfigStep, EnvironmentStep, ListedConfig, ListedProposal } from '@rollcall/protocol';
import type { DraftRow, ConfigRef, ConfigRow, EnvironmentRow, EnvironmentStepRow, Policy, ProposalRow, ReleaseRow } from '../../registry/kind/config/rows.ts';
import { approvalsThatCount } from '../../registry/kind/config/find.ts';

export const refJson = ({ namespace, app, cluster, name }: ConfigRef) => ({ environment: namespace, app, cluster, name });

export function configJson(row: ConfigRow): Omit<ListedConfig, 'draft' | 'can'> {
  const { kind: _kind, namespace: _namespace, app: _app, cluster: _cluster, name: _name, foreign: _foreign, created: _created, modified, ...rest } = row;
  return { ...refJson(row), ...rest, revision: modified };
}

/** Without the content. */
export function stepJson(row: ReleaseRow): ConfigStep {
  const { kind: _kind, namespace: _namespace, app: _app, cluster: _cluster, name: _name, foreign: _foreign, content: _content, created: _created, modified: _modified, ...rest } = row;
  return rest;
}

/** @param content as the caller may see it */
export function draftJson(row: DraftRow, content: string): ConfigDraft {
  const { remove, md5, format, base, editors, atMs, modified } = row;
  return { ...refJson(row), revision: modified, ...(remove === undefined ? {} : { remove }), content, md5, ...(format === undefined ? {} : { format }), base, editors, atMs };
}

export function proposalJson(row: ProposalRow, policy: Policy): ListedProposal {
  const { kind: _kind, namespace: _namespace, app: _app, cluster: _cluster, name: _name, content: _content, md5: _md5, hash: _hash, format: _format, created: _created, modified: _modified, ...rest } = row;
  return { ...refJson(row), ...rest, missing: Math.max(0, (policy.approvals ?? 0) - approvalsThatCount(row, policy).length) };
}

export function environmentJson({ namespace, order, policy, modified }: Pick<EnvironmentRow, 'namespace' | 'order' | 'policy' | 'modified'>): ConfigEnvironment {
  return { environment: namespace, order, policy, revision: modified };
}

export function environmentStepJson(row: EnvironmentStepRow): EnvironmentStep {
  const { kind: _kind, namespace: _namespace, created: _created, modified: _modified, ...rest } = row;
  return rest;
}
