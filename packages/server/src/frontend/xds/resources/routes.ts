/** The routes of a service: which of its clusters gets a request, how long the request may take, and when it is tried again. Pure. */

import type { Route } from '@rollcall/protocol';
import { anyOf, encode } from '../wire/any.ts';
import { durationOf } from './duration.ts';
import { clusterName, type Group } from './names.ts';
import { resourceOf, type Resource } from './resource.ts';

/** How many instances of each group get traffic. */
export type Ready = Readonly<Record<Group, number>>;

/** Parts of a share, as in the client (`routing/canary.ts`). */
const grains = 1_000_000;

/** Tries of a request when the route says something of them, but not how many: those of the client. */
const usualTries = 3;

/**
 * What a client may try again without harm: the backend has not begun with the request, or says itself that it could not. The first two are
 * for Envoy, the last one is for both.
 */
const retryOn = 'connect-failure,refused-stream,unavailable';

/**
 * Requests with the same effect when they are sent twice (RFC 9110 §9.2.2) are tried again after answers of 502, 503 and 504 as well, after
 * connections that broke, and after tries that took too long. Requests of gRPC have another method.
 */
const idempotent = { headers: [{ name: ':method', string_match: { safe_regex: { regex: 'GET|HEAD|OPTIONS|TRACE|PUT|DELETE' } } }], retryOn: `${retryOn},gateway-error` };

/** A retry goes to another instance, if Envoy finds one in so many attempts. */
const toAnotherHost = {
  retry_host_predicate: [
    { name: 'envoy.retry_host_predicates.previous_hosts', typed_config: anyOf('Empty', 'envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate', {}) },
  ],
  host_selection_retry_max_attempts: 5,
};

/** @param name of the service as the client spells it */
export function routesOf(name: string, route: Route, ready: Ready): Resource {
  // The client's own name for the service is the only one that asks for this resource, whatever authority its requests have.
  const content = { name, virtual_hosts: [{ name, domains: ['*'], routes: rulesOf(name, route, ready) }] };
  return resourceOf('route', name, [encode('RouteConfiguration', content)]);
}

interface Rule {
  readonly headers: readonly object[];
  /** Where requests go. */
  readonly to: object;
}

function rulesOf(name: string, route: Route, ready: Ready): readonly object[] {
  const retries = retriesOf(route);
  return targetsOf(name, route, ready).flatMap(({ headers, to }) => {
    const rule = (more: readonly object[], on: string) => ({ match: { prefix: '', headers: [...headers, ...more] }, route: { ...to, ...actionOf(route), ...retries?.(on) } });
    return [...(retries === undefined ? [] : [rule(idempotent.headers, idempotent.retryOn)]), rule([], retryOn)];
  });
}

function targetsOf(name: string, { canary }: Route, ready: Ready): readonly Rule[] {
  const to = (group: Group) => ({ cluster: clusterName(name, group) });
  // Without an instance on one of the sides, requests go to the other one, as from the client.
  if (canary === undefined || ready.canary === 0 || ready.stable === 0) return [{ headers: [], to: to('all') }];
  const { share, header, headerValue } = canary;
  const asking = (value: string) => [{ name: header, string_match: { exact: value } }];
  const toCanary = Math.round(share * grains);
  const weights = [
    { name: clusterName(name, 'canary'), weight: { value: toCanary } },
    { name: clusterName(name, 'stable'), weight: { value: grains - toCanary } },
  ];
  return [
    ...(header === undefined ? [] : [{ headers: asking(headerValue ?? 'always'), to: to('canary') }]),
    ...(header === undefined || headerValue !== undefined ? [] : [{ headers: asking('never'), to: to('stable') }]),
    { headers: [], to: { weighted_clusters: { clusters: weights } } },
  ];
}

function actionOf({ keyHeader, ...times }: Route): object {
  const timeMs = timeOf(times);
  return {
    // Envoy would end a request after 15 s, streams of gRPC included, while clients of gRPC wait as long as their callers do.
    timeout: durationOf(timeMs ?? 0),
    ...(timeMs === undefined ? {} : { max_stream_duration: { max_stream_duration: durationOf(timeMs) } }),
    ...(keyHeader === undefined ? {} : { hash_policy: [{ header: { header_name: keyHeader.toLowerCase() } }] }),
  };
}

/** Of a whole request. The time of a try is that of the request when it is the only one: a policy without retries would be refused. */
function timeOf({ timeoutMs, tryTimeoutMs, triesMax }: Route): number | undefined {
  if (triesMax !== 1 || tryTimeoutMs === undefined) return timeoutMs;
  return Math.min(timeoutMs ?? Infinity, tryTimeoutMs);
}

/** Undefined when nothing is tried again. */
function retriesOf({ triesMax, tryTimeoutMs, retryBudget }: Route): ((on: string) => object) | undefined {
  const isAsked = triesMax !== undefined || tryTimeoutMs !== undefined || retryBudget !== undefined;
  const retries = (triesMax ?? usualTries) - 1;
  if (!isAsked || retries < 1) return undefined;
  const timeout = tryTimeoutMs === undefined ? {} : { per_try_timeout: durationOf(tryTimeoutMs) };
  return (on) => ({ retry_policy: { retry_on: on, num_retries: { value: retries }, ...timeout, ...toAnotherHost } });
}
