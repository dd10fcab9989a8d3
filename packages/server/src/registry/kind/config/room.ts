/** The description of configurations: their rows, the releases that make up their history, drafts, proposals and environments. */

import { fieldsOf } from '../../fields.ts';
import type { Kind, Lookup, Room } from '../../room.ts';
import { configLimits, type ConfigDraftPut, type ConfigDraftRenew, type ConfigEnvironmentPut, type ConfigPropose, type ConfigPublish, type ConfigPublishProposal } from './commands.ts';
import { configure, publish, remove, rollback } from './decide.ts';
import { deleteEnvironment, putEnvironment } from './environments.ts';
import { lose, report } from './failures.ts';
import { findConfig, findDraft, isPublished, policyOf, stagedRollout } from './find.ts';
import { config1, proposal1, release1 } from './format-1.ts';
import { InstanceAddresses } from './instance-addresses.ts';
import { configBuckets, configKey, draftKey, environmentKey, environmentStepKey, failureKey, proposalKey, releaseKey } from './keys.ts';
import { deleteDraft, deleteUnpublished, propose, publishProposal, putDraft, renewDraft, review } from './proposals.ts';
import { advance, assign, control, trip } from './rollouts.ts';
import type { ConfigRow, DraftRow, EnvironmentRow, EnvironmentStepRow, FailureRow, ProposalRow, ReleaseRow } from './rows.ts';
import { historyMaxOf, isInUse } from './steps.ts';
import { configEnvironmentsView, configsView, configView, configWorkView } from './views.ts';

const named = { namespace: true, app: true, cluster: true, name: true } as const;

const config: Kind<ConfigRow> = {
  format: 2,
  earlier: [config1],
  mayStayUnread: true,
  fields: fieldsOf<ConfigRow>({
    ...{ ...named, release: true, last: true, unpublished: true, md5: true, bytes: true, format: true, visibility: true, parents: true, schema: true, checks: true },
    ...{ bytesMax: true, owners: true, owner: true, description: true, tags: true, rollouts: true, foreign: true, createdMs: true, changedMs: true },
  }),
  key: configKey,
  buckets: (row) => [
    configBuckets.inNamespace(row.namespace),
    ...(row.visibility === 'public' ? [configBuckets.public(row.namespace, row.name)] : []),
    ...foldedBuckets(row),
    ...(stagedRollout(row) === undefined ? [] : [configBuckets.staged]),
  ],
  keepsItsBuckets: (before, after) => before.visibility === after.visibility && (stagedRollout(before) === undefined) === (stagedRollout(after) === undefined),
  addViews(row, views) {
    views.add(configView(row));
    views.add(configsView(row.namespace));
  },
  longestView: configView,
  // One that was never published stays as long as it has settings: an operator removes it.
  lapsed: (row, now, lookup) => row.last > 0 && row.unpublished !== true && !isPublished(row) && isOld(row.changedMs, now, removedMs(lookup, row.namespace)) && findDraft(lookup, row) === undefined,
};

function foldedBuckets({ namespace, app, name, visibility }: ConfigRow): string[] {
  const lower = name.toLowerCase();
  if (lower === name) return [];
  return [configBuckets.folded(namespace, app, lower), ...(visibility === 'public' ? [configBuckets.publicFolded(namespace, lower)] : [])];
}

/** A part of a row that is stored as raw bytes. */
const content = {
  field: 'content',
  split: <R extends { readonly content: Uint8Array }>(row: R) => ({ json: { ...row, content: undefined }, bytes: row.content }),
  join(fields: Record<string, unknown>, bytes: Uint8Array) {
    fields['content'] = bytes;
  },
};

const release: Kind<ReleaseRow> = {
  format: 2,
  earlier: [release1],
  mayStayUnread: true,
  fields: fieldsOf<ReleaseRow>({
    ...{ ...named, number: true, step: true, parent: true, content: true, md5: true, hash: true, format: true, rollout: true, of: true, changes: true },
    ...{ atMs: true, by: true, from: true, message: true, foreign: true },
  }),
  key: (row) => releaseKey(row, row.number),
  raw: content,
  lapsed(row, now, lookup) {
    const current = findConfig(lookup, row);
    if (current === undefined) return isOld(row.atMs, now, configLimits.removedMs);
    if (isInUse(current, row.number)) return false;
    const { historyMs } = policyOf(lookup, row.namespace);
    return row.number <= current.last - historyMaxOf(lookup, row.namespace) || (historyMs !== undefined && isOld(row.atMs, now, historyMs));
  },
};

const draft: Kind<DraftRow> = {
  format: 1,
  mayStayUnread: true,
  fields: fieldsOf<DraftRow>({ ...named, remove: true, content: true, md5: true, hash: true, format: true, base: true, editors: true, atMs: true, earlier: true }),
  key: draftKey,
  raw: content,
  buckets: ({ namespace }) => [configBuckets.drafts(namespace)],
  keepsItsBuckets: () => true,
  addViews: ({ namespace }, views) => views.add(configWorkView(namespace)),
};

const proposal: Kind<ProposalRow> = {
  // A node that does not know rules would give a release to all clients.
  format: 2,
  earlier: [proposal1],
  mayStayUnread: true,
  fields: fieldsOf<ProposalRow>({
    ...{ ...named, number: true, remove: true, content: true, md5: true, hash: true, format: true, base: true, state: true, release: true, message: true },
    ...{ editors: true, by: true, atMs: true, approvals: true, checks: true, rollout: true, replaces: true, byPolicy: true, notBeforeMs: true },
  }),
  key: (row) => proposalKey(row, row.number),
  raw: content,
  buckets: ({ namespace, state, notBeforeMs }) => [configBuckets.proposals(namespace), ...(state === 'open' && notBeforeMs !== undefined ? [configBuckets.scheduled] : [])],
  addViews: ({ namespace }, views) => views.add(configWorkView(namespace)),
  lapsed: (row, now) => row.state !== 'open' && isOld(row.atMs, now, configLimits.proposalMs),
};

const environment: Kind<EnvironmentRow> = {
  format: 1,
  mayStayUnread: true,
  fields: fieldsOf<EnvironmentRow>({ namespace: true, order: true, policy: true }),
  key: ({ namespace }) => environmentKey(namespace),
  buckets: () => [configBuckets.environments],
  keepsItsBuckets: () => true,
  addViews: (_row, views) => views.add(configEnvironmentsView()),
};

const environmentStep: Kind<EnvironmentStepRow> = {
  format: 1,
  mayStayUnread: true,
  fields: fieldsOf<EnvironmentStepRow>({ namespace: true, number: true, before: true, after: true, atMs: true, by: true, from: true, message: true }),
  key: ({ namespace, number }) => environmentStepKey(namespace, number),
  buckets: ({ namespace }) => [configBuckets.environmentSteps(namespace)],
  keepsItsBuckets: () => true,
};

const failure: Kind<FailureRow> = {
  format: 1,
  mayStayUnread: true,
  fields: fieldsOf<FailureRow>({ ...named, release: true, instance: true, lost: true, error: true, atMs: true }),
  key: (row) => failureKey(row, row.release, row.instance, row.lost),
  buckets: (row) => [configBuckets.failures(row)],
  keepsItsBuckets: () => true,
  lapsed: (row, _now, lookup) => findConfig(lookup, row)?.rollouts?.some(({ release: number }) => number === row.release) !== true,
};

/** A step from the future has seen the wall clock jump back: it stays. */
function isOld(atMs: number, now: number, keptMs: number): boolean {
  return now - atMs > keptMs;
}

/** How long a removed configuration stays with its history, so that its numbers are not used twice. */
function removedMs(lookup: Lookup, namespace: string): number {
  const { historyMax, historyMs } = policyOf(lookup, namespace);
  return Math.max(configLimits.removedMs, historyMs ?? (historyMax === 'forever' ? Infinity : 0));
}

export const configRoom = {
  name: 'config',
  kinds: { config, 'config-release': release, 'config-draft': draft, 'config-proposal': proposal, 'config-environment': environment, 'config-environment-step': environmentStep, 'config-failure': failure },
  views: {
    configs: { shows: ({ namespace }, shown) => shown.has(configBuckets.inNamespace(namespace)) },
    'config-work': { shows: ({ namespace }, shown) => shown.has(configBuckets.drafts(namespace)) || shown.has(configBuckets.proposals(namespace)) },
    'config-environments': { shows: (_view, shown) => shown.has(configBuckets.environments) },
    // The view is named like the record.
    config: { shows: ({ kind, namespace, name }, shown) => shown.get(`${kind}\0${namespace}\0${name}`) !== undefined, forgettable: true },
  },
  index: { of: ['node', 'instance'], make: () => new InstanceAddresses() },
  decisions: {
    'config-publish': { writes: true, conditionOn: (command: ConfigPublish) => configKey(command), decide: publish },
    'config-configure': { writes: true, decide: configure },
    'config-rollback': { decide: rollback },
    'config-remove': { decide: remove },
    'config-draft-put': { writes: true, conditionOn: (command: ConfigDraftPut) => draftKey(command), decide: putDraft },
    'config-draft-delete': { decide: deleteDraft },
    'config-draft-renew': { conditionOn: (command: ConfigDraftRenew) => draftKey(command), decide: renewDraft },
    'config-delete': { decide: deleteUnpublished },
    'config-propose': { conditionOn: (command: ConfigPropose) => draftKey(command), decide: propose },
    'config-review': { decide: review },
    'config-publish-proposal': { conditionOn: (command: ConfigPublishProposal) => proposalKey(command, command.number), decide: publishProposal },
    'config-rollout': { decide: control },
    'config-assign': { decide: assign },
    'config-advance': { decide: advance },
    'config-trip': { decide: trip },
    'config-lost': { decide: lose },
    'config-report': { decide: report },
    'config-environment-put': { writes: true, conditionOn: (command: ConfigEnvironmentPut) => environmentKey(command.namespace), decide: putEnvironment },
    'config-environment-delete': { decide: deleteEnvironment },
  },
} satisfies Room;
