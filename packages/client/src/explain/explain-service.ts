/**
 * Joins the explanations of the parts of a service: the list, its routing, limits of single endpoints, and those of
 * requests.
 */

import type { Guard } from '../routing/guard.ts';
import type { SourcedSnapshot } from '../source/snapshot-source.ts';
import type { ExplainedInstance, ExplainedRouting } from '../routing/explain-routing.ts';
import type { ExplainedRoute, Explanation, InstanceExplanation } from './explanation.ts';
import type { Reason } from '../routing/reason.ts';

/** The limits of requests. */
export type ExplainedRequests = Pick<Explanation, 'requests' | 'concurrencyMax' | 'retriesLeft' | 'hedging'>;

export interface ExplainedParts {
  readonly service: string;
  readonly snapshot: SourcedSnapshot | undefined;
  readonly route: ExplainedRoute | undefined;
  readonly routing: ExplainedRouting;
  readonly guard: Guard | undefined;
  readonly requests: ExplainedRequests;
}

export function explainService({ service, snapshot, route, routing, guard, requests }: ExplainedParts, now: number): Explanation {
  const list = snapshot && { origin: snapshot.origin, revision: snapshot.revision, stale: snapshot.stale, ageMs: snapshot.ageMs };
  const guarded = routing.instances.map((explained) => {
    const limits = explained.endpoint === undefined ? [] : (guard?.explain(explained.endpoint, now) ?? []);
    return { explained, limits };
  });
  // Requests that one endpoint refuses for its limits go to the others.
  const left = guarded.reduce((sum, { explained: { share = 0 }, limits }) => sum + (limits.length === 0 ? share : 0), 0);
  const instances = guarded.map(({ explained, limits }) => instanceOf(explained, limits, guard === undefined ? 1 : left));
  return { service, list, route, groups: routing.groups, instances, ...requests };
}

function instanceOf({ instance, endpoint, standing, reasons, share, figures }: ExplainedInstance, limits: readonly Reason[], left: number): InstanceExplanation {
  const isRefused = limits.length > 0;
  return {
    instance,
    standing: isRefused ? 'out' : standing,
    reasons: [...reasons, ...limits],
    ramp: endpoint?.ramp ?? 1,
    share: isRefused ? 0 : share && share / (left === 0 ? 1 : left),
    inFlight: endpoint?.inFlight ?? 0,
    answering: endpoint?.answering ?? 0,
    latencyMs: figures.latencyMs,
    report: figures.report,
  };
}
