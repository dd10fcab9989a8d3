/**
 * The cluster of a service, or of one of its groups: that its endpoints come on the same stream, and how a client balances and protects
 * them. Pure.
 */

import type { Route, RouteBalancer } from '@rollcall/protocol';
import { anyOf, encode } from '../wire/any.ts';
import { durationOf } from './duration.ts';
import { fromAds } from './listener.ts';
import { resourceOf, type Resource } from './resource.ts';

/** `envoy.config.cluster.v3.Cluster.DiscoveryType.EDS`. */
const discoveryByEds = 3;

/** `envoy.config.cluster.v3.Cluster.LbPolicy`: the two that every client has. gRPC clients refuse a cluster with another one. */
const roundRobin = 0;
const ringHash = 2;

const balancersByKey: ReadonlySet<RouteBalancer> = new Set(['maglev', 'ringHash', 'rendezvous', 'memento', 'jump', 'boundedLoad']);

/**
 * Envoy sends a request on in the version of HTTP in which it came: gRPC as HTTP/2, the rest as HTTP/1.1. Clients of gRPC do not read it.
 */
const asItCame = {
  'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': anyOf('HttpProtocolOptions', 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions', {
    use_downstream_protocol_config: { http_protocol_options: {}, http2_protocol_options: {} },
  }),
};

export function clusterOf(name: string, route: Route): Resource {
  const isByKey = route.balancer !== undefined && balancersByKey.has(route.balancer);
  const content = {
    name,
    type: discoveryByEds,
    eds_cluster_config: { eds_config: fromAds },
    lb_policy: isByKey ? ringHash : roundRobin,
    common_lb_config: {
      // Envoy's own default sends requests to critical instances as soon as half of them are.
      healthy_panic_threshold: { value: (route.panicThreshold ?? 0) * 100 },
      // Clients of gRPC follow the weights of localities in any case, Envoy only when it is told to.
      locality_weighted_lb_config: {},
    },
    typed_extension_protocol_options: asItCame,
    // Clients of gRPC report their load to this server.
    lrs_server: { self: {} },
    ...limitsOf(route),
    ...outliersOf(route),
    ...(isByKey ? {} : slowStartOf(route)),
  };
  return resourceOf('cluster', name, [encode('Cluster', content)]);
}

/**
 * Of each client. Envoy has limits of its own, 1,024 of each. Clients of gRPC read `max_requests` alone. A limit for each instance is one of
 * connections: Envoy sends one request at a time on a connection of HTTP/1.1.
 */
function limitsOf({ requestsMax, endpointRequestsMax, retryBudget }: Route): object {
  const requests = requestsMax === undefined ? {} : { max_connections: { value: requestsMax }, max_pending_requests: { value: requestsMax }, max_requests: { value: requestsMax } };
  const thresholds = { ...requests, ...budgetOf(retryBudget) };
  const limits = {
    ...(Object.keys(thresholds).length === 0 ? {} : { thresholds: [thresholds] }),
    ...(endpointRequestsMax === undefined ? {} : { per_host_thresholds: [{ max_connections: { value: endpointRequestsMax } }] }),
  };
  return Object.keys(limits).length === 0 ? {} : { circuit_breakers: limits };
}

/** Envoy's budget is of retries under way at once. None at all without requests is the one rate that it can keep; else it always allows 3. */
function budgetOf(retryBudget: Route['retryBudget']): object {
  if (retryBudget === undefined) return {};
  const { share = 0.2, perSecond } = retryBudget;
  return { retry_budget: { budget_percent: { value: Math.min(100, share * 100) }, ...(perSecond === 0 ? { min_retry_concurrency: { value: 0 } } : {}) } };
}

/** With the defaults of the client. A cluster has one interval and one time of ejection: those of outliers count, if there are any. */
function outliersOf({ ejection, breaker }: Route): object {
  if (ejection === undefined || ejection.outliers === false) return breaker === undefined ? {} : breakerOf(breaker);
  const { baseMs = 1_000, maxMs = 30_000, maxShare = 0.5, outliers = {} } = ejection;
  const { consecutiveFailures = 5, intervalMs = 10_000, requestsMin = 100, endpointsMin = 5, deviations = 1.9, maxShare: outlierShare = 0.1 } = outliers;
  return {
    outlier_detection: {
      ...{ interval: durationOf(intervalMs), base_ejection_time: durationOf(baseMs), max_ejection_time: durationOf(maxMs) },
      ...{ max_ejection_percent: whole(Math.min(maxShare, outlierShare) * 100), consecutive_5xx: whole(consecutiveFailures), enforcing_consecutive_5xx: whole(100) },
      ...{ success_rate_minimum_hosts: whole(endpointsMin), success_rate_request_volume: whole(requestsMin), success_rate_stdev_factor: whole(deviations * 1_000) },
    },
  };
}

/** Judges each endpoint at the end of each window by its share of failures, and may leave out all, for the same time each time. */
function breakerOf({ failureShare = 0.5, requestsMin = 20, windowMs = 10_000, openMs = 5_000 }: NonNullable<Route['breaker']>): object {
  return {
    outlier_detection: {
      ...{ interval: durationOf(windowMs), base_ejection_time: durationOf(openMs), max_ejection_time: durationOf(openMs), max_ejection_percent: whole(100) },
      ...{ enforcing_consecutive_5xx: whole(0), enforcing_success_rate: whole(0), enforcing_failure_percentage: whole(100) },
      ...{ failure_percentage_threshold: whole(Math.max(1, failureShare * 100)), failure_percentage_minimum_hosts: whole(1), failure_percentage_request_volume: whole(requestsMin) },
    },
  };
}

function whole(number: number): { readonly value: number } {
  return { value: Math.round(number) };
}

/** For Envoy; clients of gRPC do not read it. */
function slowStartOf({ slowStart }: Route): object {
  if (slowStart === undefined) return {};
  const { windowMs = 10_000, aggression = 1, leastShare = 0.1 } = slowStart;
  const config = { slow_start_window: durationOf(windowMs), aggression: { default_value: aggression, runtime_key: 'rollcall.slow_start' }, min_weight_percent: { value: leastShare * 100 } };
  return { round_robin_lb_config: { slow_start_config: config } };
}
