/** Finds configurations and the steps of their history. Which release a client gets is in `given.ts`. */

import type { Lookup } from '../../room.ts';
import { configBuckets, configKey, draftKey, environmentKey, proposalKey, releaseKey } from './keys.ts';
import type { ConfigRef, ConfigRow, DraftRow, EnvironmentRow, EnvironmentStepRow, FailureRow, Policy, ProposalRow, ReleaseRow, Rollout, Staged } from './rows.ts';

/** How people and rules write a configuration. */
export function configName({ app, name }: Pick<ConfigRef, 'app' | 'name'>): string {
  return `${app}/${name}`;
}

/** The row of a configuration; one that was removed has a row without a release for as long as its history is kept. */
export function findConfig(reader: Lookup, ref: ConfigRef): ConfigRow | undefined {
  return reader.get(configKey(ref)) as ConfigRow | undefined;
}

/** Whether clients get anything. */
export function isPublished({ release, rollouts }: Pick<ConfigRow, 'release' | 'rollouts'>): boolean {
  return release > 0 || rollouts !== undefined;
}

/** All rows of a namespace, those that were removed included, in no particular order. */
export function configsIn(reader: Lookup, namespace: string): Iterable<ConfigRow> {
  return reader.bucket(configBuckets.inNamespace(namespace)) as Iterable<ConfigRow>;
}

/** The configurations of an app whose names have capitals, and are this one in small letters. */
export function configsOfFoldedName(reader: Lookup, namespace: string, app: string, lower: string): Iterable<ConfigRow> {
  return reader.bucket(configBuckets.folded(namespace, app, lower)) as Iterable<ConfigRow>;
}

/** The same of those that every app of the namespace may read. */
export function publicConfigsOfFoldedName(reader: Lookup, namespace: string, lower: string): Iterable<ConfigRow> {
  return reader.bucket(configBuckets.publicFolded(namespace, lower)) as Iterable<ConfigRow>;
}

/** The configurations of one name that every app of the namespace may read. */
export function publicConfigs(reader: Lookup, namespace: string, name: string): Iterable<ConfigRow> {
  return reader.bucket(configBuckets.public(namespace, name)) as Iterable<ConfigRow>;
}

export function findRelease(reader: Lookup, ref: ConfigRef, number: number): ReleaseRow | undefined {
  return reader.get(releaseKey(ref, number)) as ReleaseRow | undefined;
}

/** The steps of the history that are kept, the newest first. */
export function* historyOf(reader: Lookup, row: ConfigRow): Generator<ReleaseRow, void, undefined> {
  let missing = 0;
  // Steps go from the old end; a release of a rollout that clients still get may stand before a gap.
  for (let number = row.last; number > 0 && missing <= gapMax; number--) {
    const step = findRelease(reader, row, number);
    if (step === undefined) missing++;
    else yield step;
  }
}

/** Longest gap after which no older step is looked for. */
const gapMax = 64;

export function findDraft(reader: Lookup, ref: ConfigRef): DraftRow | undefined {
  return reader.get(draftKey(ref)) as DraftRow | undefined;
}

export function draftsIn(reader: Lookup, namespace: string): Iterable<DraftRow> {
  return reader.bucket(configBuckets.drafts(namespace)) as Iterable<DraftRow>;
}

export function findProposal(reader: Lookup, ref: ConfigRef, number: number): ProposalRow | undefined {
  return reader.get(proposalKey(ref, number)) as ProposalRow | undefined;
}

export function proposalsIn(reader: Lookup, namespace: string): Iterable<ProposalRow> {
  return reader.bucket(configBuckets.proposals(namespace)) as Iterable<ProposalRow>;
}

/** Open proposals with a time, of all namespaces. */
export function scheduledProposals(reader: Lookup): Iterable<ProposalRow> {
  return reader.bucket(configBuckets.scheduled) as Iterable<ProposalRow>;
}

export function findEnvironment(reader: Lookup, namespace: string): EnvironmentRow | undefined {
  return reader.get(environmentKey(namespace)) as EnvironmentRow | undefined;
}

/** The environments that have rules. */
export function environmentsOf(reader: Lookup): Iterable<EnvironmentRow> {
  return reader.bucket(configBuckets.environments) as Iterable<EnvironmentRow>;
}

/** Changes of its rules, in no particular order. */
export function environmentStepsOf(reader: Pick<Lookup, 'bucket'>, namespace: string): Iterable<EnvironmentStepRow> {
  return reader.bucket(configBuckets.environmentSteps(namespace)) as Iterable<EnvironmentStepRow>;
}

export function policyOf(reader: Lookup, namespace: string): Policy {
  return findEnvironment(reader, namespace)?.policy ?? noPolicy;
}

const noPolicy: Policy = {};

/** The approvals of a proposal that count, by the policy of now. */
export function approvalsThatCount({ approvals, editors }: ProposalRow, { fourEyes = false }: Policy): readonly string[] {
  const by = approvals.map((each) => each.by);
  return fourEyes ? by.filter((each) => !editors.includes(each)) : by;
}

/** Configurations with a rollout that goes forward by itself, of all namespaces. */
export function stagedConfigs(reader: Lookup): Iterable<ConfigRow> {
  return reader.bucket(configBuckets.staged) as Iterable<ConfigRow>;
}

export type StagedRollout = Rollout & { readonly staged: Staged };

/** The rollout that goes forward by itself; a configuration has one at most. */
export function stagedRollout(row: ConfigRow | undefined): StagedRollout | undefined {
  return row?.rollouts?.find((each): each is StagedRollout => each.staged !== undefined);
}

/** What instances report of releases of rollouts. */
export function failuresOf(reader: Lookup, ref: ConfigRef): Iterable<FailureRow> {
  return reader.bucket(configBuckets.failures(ref)) as Iterable<FailureRow>;
}
