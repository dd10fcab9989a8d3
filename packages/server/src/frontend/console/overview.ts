/**
 * What is wrong in a namespace besides the health of its services, for the overview of the console: services with fewer instances than normally, a freeze, failed nodes, webhooks that fail, rollouts,
 * proposals that wait, and releases that clients do not use. It only reads, in slices.
 */

import type { Overview, OverviewLine } from '@rollcall/protocol';
import { inOrder, order, select } from '../../net/slices.ts';
import type { Pace, Work } from '../../net/turns.ts';
import type { Drift, LateReaders } from '../../configurations/readers.ts';
import { allNodes } from '../../registry/kind/catalog/find.ts';
import type { ServiceIndex } from '../../registry/kind/catalog/service-index.ts';
import { statusOfNode } from '../../registry/kind/catalog/effective-status.ts';
import { defaultCluster } from '../../registry/kind/config/keys.ts';
import { approvalsThatCount, configName, configsIn, findRelease, policyOf, proposalsIn, stagedRollout } from '../../registry/kind/config/find.ts';
import { failingIn, findWebhook } from '../../registry/kind/webhook/find.ts';
import type { WebhookProgressRow } from '../../registry/kind/webhook/rows.ts';
import type { Reader } from '../../registry/reader.ts';
import type { Authorizer } from '../../security/authorizer.ts';

export interface OverviewOptions {
  readonly state: Reader;
  /** What the readers of all nodes do not use; of a past time it is not known. */
  readonly drift: Drift;
  /** Instances that services normally have, by name, and have now; of a past time they are not known. */
  readonly normal: ReadonlyMap<string, number>;
  readonly services: Pick<ServiceIndex, 'instancesOf'>;
  /** Rows of webhooks are in no history. */
  readonly isPast: boolean;
  readonly authorizer: Authorizer;
  readonly namespace: string;
  readonly nowMs: number;
  readonly pace: Pace;
}

/** Lines of one kind. */
export const linesMax = 20;
/** A rollout that its alarm has ended is shown for so long. */
const rolledBackMs = 86_400_000;
/** So is a webhook whose event was given up, if no other one was delivered since. */
const givenUpMs = 86_400_000;

export function* overview(options: OverviewOptions): Work<Overview> {
  const lines: OverviewLine[] = [];
  const more: Partial<Record<OverviewLine['kind'], number>> = {};
  for (const source of [fewerInstances, failedNodes, failingWebhooks, configurationLines, proposals]) {
    const found = yield* source(options);
    const byKind = new Map<OverviewLine['kind'], number>();
    for (const line of found) {
      const count = (byKind.get(line.kind) ?? 0) + 1;
      byKind.set(line.kind, count);
      if (count <= linesMax) lines.push(line);
      else more[line.kind] = count - linesMax;
    }
  }
  return { lines, more, missing: options.drift.missing };
}

function* fewerInstances({ services, normal, authorizer, namespace, pace }: OverviewOptions): Work<OverviewLine[]> {
  const lines: OverviewLine[] = [];
  for (const [name, normally] of normal) {
    if (pace.spend(0.5)) yield;
    const instances = services.instancesOf(namespace, name);
    if (instances < normally && authorizer.allows(namespace, 'service', 'read', name)) lines.push({ kind: 'fewer', name, instances, normally });
  }
  return lines;
}

function* failedNodes({ state, authorizer, namespace, pace }: OverviewOptions): Work<OverviewLine[]> {
  const failed = yield* select(allNodes(state), ({ name }) => authorizer.allows(namespace, 'node', 'read', name) && statusOfNode(state, name) === 'critical', pace, 1);
  return failed.map(({ name }) => ({ kind: 'node', name }));
}

/** Those of which an event waits, or whose last one was given up a short while ago. The newest failure first. */
function* failingWebhooks({ state, isPast, authorizer, namespace, nowMs, pace }: OverviewOptions): Work<OverviewLine[]> {
  if (isPast || !authorizer.allows(namespace, 'operator', 'read')) return [];
  const isWanted = ({ name, hook, waiting, failure }: WebhookProgressRow): boolean => {
    const row = findWebhook(state, namespace, name);
    return row?.created === hook && row.disabled !== true && (waiting > 0 || nowMs - (failure?.atMs ?? 0) < givenUpMs);
  };
  const failing = yield* select(failingIn(state, namespace), isWanted, pace, 1);
  const sorted = yield* inOrder(failing, (a, b) => (b.failure?.atMs ?? 0) - (a.failure?.atMs ?? 0) || order(a.name, b.name), pace);
  return sorted.flatMap(({ name, waiting, failure }): OverviewLine[] => (failure === undefined ? [] : [{ kind: 'webhook', name, atMs: failure.atMs, event: failure.type, tries: failure.tries, waiting, error: failure.error ?? '' }]));
}

function* configurationLines({ state, drift: { late }, authorizer, namespace, nowMs, pace }: OverviewOptions): Work<OverviewLine[]> {
  const lines: OverviewLine[] = [];
  const rows = [...configsIn(state, namespace)];
  const readers = new Map<string, LateReaders[]>();
  for (const each of late) readers.set(`${each.app}\0${each.name}`, [...(readers.get(`${each.app}\0${each.name}`) ?? []), each]);
  const clusters = new Set(rows.map(({ app, name, cluster }) => `${app}\0${name}\0${cluster}`));
  for (const row of rows) {
    if (pace.spend(1)) yield;
    if (!authorizer.allows(namespace, 'config', 'read', configName(row))) continue;
    const { app, name, cluster } = row;
    const staged = stagedRollout(row);
    if (staged !== undefined) lines.push({ kind: 'rollout', app, name, cluster, rollout: staged.name, release: staged.release, stage: staged.staged.stage + 1, stages: staged.staged.stages.length, state: staged.staged.state });
    const last = findRelease(state, row, row.last);
    if (last?.step === 'auto-rollback' && nowMs - last.atMs < rolledBackMs) lines.push({ kind: 'rolled-back', app, name, cluster, atMs: last.atMs, message: last.message ?? '' });
    // A reader in a cluster without content of its own gets that of the default one.
    const clusterOf = (reader: LateReaders) => (clusters.has(`${app}\0${name}\0${reader.cluster ?? defaultCluster}`) ? (reader.cluster ?? defaultCluster) : defaultCluster);
    const own = (readers.get(`${app}\0${name}`) ?? []).filter((reader) => clusterOf(reader) === cluster);
    const clients = own.reduce((sum, each) => sum + each.late, 0);
    if (clients > 0) lines.push({ kind: 'not-used', app, name, cluster, clients, of: own.reduce((sum, each) => sum + each.of, 0), error: own.find(({ error }) => error !== '')?.error ?? '' });
  }
  return lines;
}

function* proposals({ state, authorizer, namespace, pace }: OverviewOptions): Work<OverviewLine[]> {
  const policy = policyOf(state, namespace);
  const open = yield* select(proposalsIn(state, namespace), (row) => row.state === 'open' && authorizer.allows(namespace, 'config', 'read', configName(row)), pace, 0.5);
  return open.map((row) => ({ kind: 'proposal', app: row.app, name: row.name, cluster: row.cluster, number: row.number, by: row.by ?? '', approvals: approvalsThatCount(row, policy).length, needed: policy.approvals ?? 0 }));
}
