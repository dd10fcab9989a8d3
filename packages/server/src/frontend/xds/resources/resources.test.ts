/** Services as resources, read back with the messages of Envoy's own API, which the client of gRPC from npm brings. */

import { createRequire } from 'node:module';
import type { InstanceStatus } from '@rollcall/protocol';
import { describe, expect, test } from 'vitest';
import { decode, typeUrls, type ResourceType } from '../wire/any.ts';
import { assignmentOf, placeKey, type Place } from './assignment.ts';
import { clusterOf } from './cluster.ts';
import { groupEndpoints, type Candidate, type Grouped } from './endpoints.ts';
import { listenerOf } from './listener.ts';
import { readName } from './names.ts';
import type { Resource } from './resource.ts';
import { rulesOf } from './route-rules.ts';
import { routesOf } from './routes.ts';

interface Oracle {
  decodeSingleResource(typeUrl: string, bytes: Buffer): unknown;
}
const oracle = createRequire(import.meta.url)('@grpc/grpc-js-xds/build/src/resources.js') as Oracle;

/** As a client reads it. */
function read(type: ResourceType, { sotw }: Resource): unknown {
  const { resources } = decode('DiscoveryResponse', sotw) as { resources: { type_url: string; value: Buffer }[] };
  const [any] = resources;
  expect(any?.type_url).toBe(typeUrls[type]);
  return oracle.decodeSingleResource(typeUrls[type], any?.value as Buffer);
}

const nowhere: Place = { region: '', zone: '', ownZoneFirst: false };

function candidate(key: string, more: Partial<Candidate> = {}): Candidate {
  return { key, address: '10.0.0.1', port: Number(key.replace(/\D/g, '')) || 80, status: 'passing', weight: 1, region: '', zone: '', tags: [], meta: {}, ...more };
}

function group(candidates: readonly Candidate[]): Grouped {
  const steps = groupEndpoints(candidates);
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

interface Assignment {
  readonly cluster_name: string;
  readonly endpoints: readonly {
    readonly locality: { readonly region: string; readonly zone: string };
    readonly priority: number;
    readonly load_balancing_weight: { readonly value: number };
    readonly lb_endpoints: readonly {
      readonly endpoint: { readonly address: { readonly socket_address: { readonly address: string; readonly port_value: number } } };
      readonly health_status: string;
      readonly load_balancing_weight: { readonly value: number };
      readonly metadata: { readonly filter_metadata: Readonly<Record<string, unknown>> } | null;
    }[];
  }[];
}

function assign(candidates: readonly Candidate[], place = nowhere): Assignment {
  return read('endpoints', assignmentOf('orders', group(candidates).localities, place)) as Assignment;
}

const endpointsOf = (assignment: Assignment) => assignment.endpoints.flatMap(({ lb_endpoints }) => lb_endpoints);

describe('health and weight', () => {
  test.each<[InstanceStatus, number, string | undefined]>([
    ['passing', 1, 'HEALTHY'],
    ['passing', 0, 'DRAINING'],
    ['warning', 1, 'HEALTHY'],
    ['warning', 0, 'DEGRADED'],
    ['starting', 1, 'UNHEALTHY'],
    ['draining', 1, 'DRAINING'],
    ['critical', 1, 'UNHEALTHY'],
    ['maintenance', 1, undefined],
  ])('%s with a weight of %d is %s', (status, weight, wanted) => {
    expect(endpointsOf(assign([candidate('a', { status, weight })])).map(({ health_status }) => health_status)).toEqual(wanted === undefined ? [] : [wanted]);
  });

  test.each<[string, readonly number[], readonly number[]]>([
    ['whole ones stay as they are', [1, 3, 65_535], [1, 3, 65_535]],
    ['fractions become hundredths', [0.5, 1, 0.001], [50, 100, 1]],
    ['of a service without traffic', [0, 0], [1, 1]],
  ])('weights: %s', (_what, weights, wanted) => {
    const candidates = weights.map((weight, at) => candidate(`a${at + 1}`, { weight }));
    expect(endpointsOf(assign(candidates)).map(({ load_balancing_weight }) => load_balancing_weight.value)).toEqual(wanted);
  });

  test('the sum of the weights stays below the limit of clients', () => {
    const candidates = Array.from({ length: 2_000 }, (_, at) => candidate(`a${at + 1}`, { weight: 65_534.5 }));
    const sum = endpointsOf(assign(candidates)).reduce((total, { load_balancing_weight }) => total + load_balancing_weight.value, 0);
    expect(sum).toBeLessThanOrEqual(4_294_967_295);
    expect(sum).toBeGreaterThan(4_000_000_000);
  });

  test('the weight of a locality is that of its endpoints with traffic, and never missing', () => {
    const [a, b] = assign([
      candidate('a1', { zone: 'a', weight: 2 }),
      candidate('a2', { zone: 'a', weight: 3, status: 'draining' }),
      candidate('a3', { zone: 'b', status: 'critical' }),
    ]).endpoints;
    expect([a?.load_balancing_weight.value, b?.load_balancing_weight.value]).toEqual([2, 1]);
  });
});

describe('instances that clients would refuse', () => {
  test.each<[string, Partial<Candidate>, string]>([
    ['a host name', { address: 'db.example' }, 'no-ip-address'],
    ['no address', { address: '' }, 'no-ip-address'],
    ['no port', { port: 0 }, 'no-port'],
  ])('%s is left out and counted', (_what, more, reason) => {
    const { localities, leftOut } = group([candidate('a1', more), candidate('a2')]);
    expect([localities.flatMap(({ endpoints }) => endpoints).length, [...leftOut]]).toEqual([1, [[reason, 1]]]);
  });

  test('of two instances at one address, the one that gets traffic counts', () => {
    const both = [candidate('a', { port: 1, status: 'critical' }), candidate('b', { port: 1 }), candidate('c', { port: 1, status: 'draining' })];
    expect(endpointsOf(assign(both)).map(({ health_status }) => health_status)).toEqual(['HEALTHY']);
    expect(group(both).leftOut.get('same-address')).toBe(2);
  });

  test('addresses of IPv6 are endpoints', () => {
    expect(endpointsOf(assign([candidate('a1', { address: '2001:db8::1' })]))).toHaveLength(1);
  });
});

describe('localities', () => {
  const everywhere = [
    candidate('a1', { region: 'eu', zone: 'eu-1' }),
    candidate('a2', { region: 'eu', zone: 'eu-2' }),
    candidate('a3', { region: 'us', zone: 'us-1' }),
    candidate('a4', {}),
  ];
  const levels = (place: Place) => assign(everywhere, place).endpoints.map(({ locality: { region, zone }, priority }) => `${priority} ${region}/${zone}`);

  test.each<[string, Place, readonly string[]]>([
    ['a client that does not say where it is: all alike', nowhere, ['0 /', '0 eu/eu-1', '0 eu/eu-2', '0 us/us-1']],
    ['its region first', { region: 'eu', zone: 'eu-1', ownZoneFirst: false }, ['0 eu/eu-1', '0 eu/eu-2', '1 /', '1 us/us-1']],
    ['its zone first, when it asks for that', { region: 'eu', zone: 'eu-1', ownZoneFirst: true }, ['0 eu/eu-1', '1 eu/eu-2', '2 /', '2 us/us-1']],
    ['no gap where it has no instance', { region: 'asia', zone: 'x', ownZoneFirst: true }, ['0 /', '0 eu/eu-1', '0 eu/eu-2', '0 us/us-1']],
  ])('%s', (_what, place, wanted) => {
    expect(levels(place)).toEqual(wanted);
  });

  test('clients at places that see the same share a resource', () => {
    const at = (zone: string, ownZoneFirst: boolean) => placeKey({ region: 'eu', zone, ownZoneFirst });
    expect(at('eu-1', false)).toBe(at('eu-2', false));
    expect(at('eu-1', true)).not.toBe(at('eu-2', true));
  });
});

test('tags and metadata are what Envoy selects subsets by', () => {
  const [endpoint] = endpointsOf(assign([candidate('a1', { tags: ['blue'], meta: { version: '2', zone: 'z' } })]));
  expect(endpoint?.metadata?.filter_metadata).toMatchObject({
    'envoy.lb': { fields: { version: { stringValue: '2' }, zone: { stringValue: 'z' }, tags: { listValue: { values: [{ stringValue: 'blue' }] } } } },
  });
});

describe('versions', () => {
  const of = (candidates: readonly Candidate[]) => assignmentOf('orders', group(candidates).localities, nowhere).version;

  test('are equal for equal contents, in any order of the instances', () => {
    expect(of([candidate('a1'), candidate('a2')])).toBe(of([candidate('a2'), candidate('a1')]));
  });

  test('do not depend on whether the bytes are kept, as they are for several clients', () => {
    const { localities } = group([candidate('a1'), candidate('a2')]);
    const [shared, ofOne] = [true, false].map((isShared) => assignmentOf('orders', localities, nowhere, { isShared })) as [Resource, Resource];
    expect([ofOne.version, ofOne.sotw, ofOne.delta]).toEqual([shared.version, shared.sotw, shared.delta]);
    expect([shared.sotw === shared.sotw, ofOne.sotw === ofOne.sotw]).toEqual([true, false]);
  });

  test.each<[string, Partial<Candidate>]>([
    ['port', { port: 9 }],
    ['weight', { weight: 2 }],
    ['status', { status: 'draining' }],
    ['zone', { zone: 'b' }],
    ['metadata', { meta: { version: '2' } }],
  ])('change with the %s', (_what, more) => {
    expect(of([candidate('a1', more)])).not.toBe(of([candidate('a1')]));
  });
});

test('the listener of a service has its routes on the same stream, and the router as its last filter', () => {
  const listener = read('listener', listenerOf('orders')) as { name: string; api_listener: { api_listener: { type_url: string; value: Buffer } } };
  const { type_url, value } = listener.api_listener.api_listener;
  const manager = oracle.decodeSingleResource(type_url, value) as { rds: object; http_filters: { name: string; typed_config: { type_url: string } }[] };
  expect(listener.name).toBe('orders');
  expect(manager.rds).toMatchObject({ route_config_name: 'orders', config_source: { config_source_specifier: 'ads' } });
  expect(manager.http_filters.map(({ typed_config }) => typed_config.type_url)).toEqual(['type.googleapis.com/envoy.extensions.filters.http.router.v3.Router']);
});

test('the routes of a service send every request to its cluster, for any authority and without a limit of time', () => {
  expect(read('route', routesOf('orders', {}, { all: 1, canary: 0, stable: 0 }))).toMatchObject({
    name: 'orders',
    virtual_hosts: [{ domains: ['*'], routes: [{ match: { path_specifier: 'prefix', prefix: '' }, route: { cluster: 'orders', timeout: { seconds: '0', nanos: 0 } } }] }],
  });
});

test('the cluster of a service has its endpoints and its load reports on this server', () => {
  expect(read('cluster', clusterOf('orders', {}))).toMatchObject({
    ...{ name: 'orders', type: 'EDS', lb_policy: 'ROUND_ROBIN', eds_cluster_config: { eds_config: { config_source_specifier: 'ads', resource_api_version: 'V3' } } },
    ...{ lrs_server: { config_source_specifier: 'self' }, common_lb_config: { locality_config_specifier: 'locality_weighted_lb_config' } },
  });
});

test('the incremental form has the same message, with its name and version', () => {
  const made = clusterOf('orders', {});
  const { resources } = decode('DeltaDiscoveryResponse', made.delta) as { resources: { name: string; version: string; resource: { type_url: string; value: Buffer } }[] };
  expect(resources).toMatchObject([{ name: 'orders', version: made.version, resource: { type_url: typeUrls.cluster } }]);
  expect(oracle.decodeSingleResource(typeUrls.cluster, resources[0]?.resource.value as Buffer)).toEqual(read('cluster', made));
});

test.each<[string, object]>([
  ['orders', { namespace: 'home', service: 'orders', group: 'all', base: 'orders' }],
  ['orders.team-a.ns', { namespace: 'team-a', service: 'orders', group: 'all', base: 'orders.team-a.ns' }],
  ['orders~canary', { namespace: 'home', service: 'orders', group: 'canary', base: 'orders' }],
  ['orders.team-a.ns~stable', { namespace: 'team-a', service: 'orders', group: 'stable', base: 'orders.team-a.ns' }],
  ['com.example.Orders:1.0', { namespace: 'home', service: 'com.example.Orders:1.0', group: 'all', base: 'com.example.Orders:1.0' }],
  ['orders~blue', { namespace: 'home', service: 'orders~blue', group: 'all', base: 'orders~blue' }],
  ['.team-a.ns', { namespace: 'home', service: '.team-a.ns', group: 'all', base: '.team-a.ns' }],
  ['orders.no namespace.ns', { namespace: 'home', service: 'orders.no namespace.ns', group: 'all', base: 'orders.no namespace.ns' }],
  ['a.x.ns.default.ns', { namespace: 'default', service: 'a.x.ns', group: 'all', base: 'a.x.ns.default.ns' }],
])('the name %s', (name, wanted) => {
  expect(readName(name, 'home')).toEqual(wanted);
});

describe('a route', () => {
  const canary = { select: { version: '2' }, share: 0.1 };
  const both = { all: 3, canary: 1, stable: 2 };

  interface Rule {
    readonly match: { readonly headers: readonly { readonly name: string; readonly string_match: { readonly exact: string } }[] };
    readonly route: { readonly cluster?: string; readonly weighted_clusters?: { readonly clusters: readonly { readonly name: string; readonly weight: { readonly value: number } }[] } };
  }
  /** `x-canary=always → orders~canary`, a line each. */
  const rules = (route: Parameters<typeof routesOf>[1], ready: Parameters<typeof routesOf>[2] = both) => {
    const { virtual_hosts } = read('route', routesOf('orders', route, ready)) as { virtual_hosts: { routes: readonly Rule[] }[] };
    return (virtual_hosts[0]?.routes ?? []).map(({ match: { headers }, route: { cluster, weighted_clusters } }) => {
      const to = cluster || (weighted_clusters?.clusters ?? []).map(({ name, weight }) => `${weight.value} ${name}`).join(', ');
      return [...headers.map(({ name, string_match }) => `${name}=${string_match.exact}`), to].join(' → ');
    });
  };

  test.each<[string, Parameters<typeof routesOf>[1], Parameters<typeof routesOf>[2], readonly string[]]>([
    ['without a canary', {}, both, ['orders']],
    ['with a canary: its share', { canary }, both, ['100000 orders~canary, 900000 orders~stable']],
    ['by header as well', { canary: { ...canary, header: 'x-canary' } }, both, ['x-canary=always → orders~canary', 'x-canary=never → orders~stable', '100000 orders~canary, 900000 orders~stable']],
    ['by a value of a header', { canary: { ...canary, share: 0, header: 'x-group', headerValue: 'beta' } }, both, ['x-group=beta → orders~canary', '0 orders~canary, 1000000 orders~stable']],
    ['whose canary has no instance with traffic', { canary }, { all: 2, canary: 0, stable: 2 }, ['orders']],
    ['whose rest has none', { canary }, { all: 1, canary: 1, stable: 0 }, ['orders']],
  ])('%s', (_what, route, ready, wanted) => {
    expect(rules(route, ready)).toEqual(wanted);
  });

  test.each<[string, Parameters<typeof routesOf>[1], object]>([
    ['a time', { timeoutMs: 1_500 }, { timeout: { seconds: '1', nanos: 500_000_000 }, max_stream_duration: { max_stream_duration: { seconds: '1', nanos: 500_000_000 } } }],
    ['the time of the only try', { triesMax: 1, tryTimeoutMs: 250, timeoutMs: 1_000 }, { timeout: { nanos: 250_000_000 }, max_stream_duration: { max_stream_duration: { nanos: 250_000_000 } } }],
    ['tries', { triesMax: 3, tryTimeoutMs: 250 }, { retry_policy: { num_retries: { value: 2 }, per_try_timeout: { seconds: '0', nanos: 250_000_000 }, retry_on: 'connect-failure,refused-stream,unavailable' } }],
    ['one try', { triesMax: 1, tryTimeoutMs: 250 }, { retry_policy: null }],
    ['a budget of retries: the tries of the client', { retryBudget: { share: 0.1 } }, { retry_policy: { num_retries: { value: 2 } } }],
    ['a key', { keyHeader: 'X-User' }, { hash_policy: [{ header: { header_name: 'x-user' } }] }],
  ])('%s of a request', (_what, route, wanted) => {
    const { virtual_hosts } = read('route', routesOf('orders', route, both)) as { virtual_hosts: { routes: { route: object }[] }[] };
    expect(virtual_hosts[0]?.routes.at(-1)?.route).toMatchObject(wanted);
  });

  test('requests that may be sent twice are tried again after more failures, on both sides of a canary, and all of them elsewhere', () => {
    const { virtual_hosts } = read('route', routesOf('orders', { triesMax: 2, canary: { ...canary, header: 'x-canary', headerValue: 'yes' } }, both)) as {
      virtual_hosts: { routes: { match: { headers: { name: string }[] }; route: { cluster?: string; retry_policy: { retry_on: string; retry_host_predicate: { name: string }[] } } }[] }[];
    };
    expect(virtual_hosts[0]?.routes.map(({ match: { headers }, route: { retry_policy } }) => [headers.map(({ name }) => name).join(), retry_policy.retry_on])).toEqual([
      ['x-canary,:method', 'connect-failure,refused-stream,unavailable,gateway-error'],
      ['x-canary', 'connect-failure,refused-stream,unavailable'],
      [':method', 'connect-failure,refused-stream,unavailable,gateway-error'],
      ['', 'connect-failure,refused-stream,unavailable'],
    ]);
    for (const { route } of virtual_hosts[0]?.routes ?? []) expect(route.retry_policy.retry_host_predicate).toMatchObject([{ name: 'envoy.retry_host_predicates.previous_hosts' }]);
  });

  test.each<[string, Parameters<typeof clusterOf>[1], object]>([
    ['requests', { requestsMax: 50 }, { circuit_breakers: { thresholds: [{ priority: 'DEFAULT', max_requests: { value: 50 }, max_connections: { value: 50 }, max_pending_requests: { value: 50 } }] } }],
    ['retries', { retryBudget: { share: 0.25 } }, { circuit_breakers: { thresholds: [{ retry_budget: { budget_percent: { value: 25 } } }] } }],
    ['retries, none of them without requests', { retryBudget: { perSecond: 0 } }, { circuit_breakers: { thresholds: [{ retry_budget: { budget_percent: { value: 20 }, min_retry_concurrency: { value: 0 } } }] } }],
    ['requests of an instance', { endpointRequestsMax: 8 }, { circuit_breakers: { thresholds: [], per_host_thresholds: [{ max_connections: { value: 8 } }] } }],
    ['a balancer by key', { balancer: 'maglev' }, { lb_policy: 'RING_HASH' }],
    ['another balancer: the one that all clients have', { balancer: 'peakEwma' }, { lb_policy: 'ROUND_ROBIN' }],
    ['panic', { panicThreshold: 0.3 }, { common_lb_config: { healthy_panic_threshold: { value: 30 } } }],
    ['no panic, unlike Envoy without a word', {}, { common_lb_config: { healthy_panic_threshold: { value: 0 } }, outlier_detection: null, circuit_breakers: null }],
    ['a slow start', { slowStart: { windowMs: 5_000 } }, { round_robin_lb_config: { slow_start_config: { slow_start_window: { seconds: '5' }, min_weight_percent: { value: 10 } } } }],
    [
      'outliers',
      { ejection: { baseMs: 500, maxMs: 2_000, outliers: { consecutiveFailures: 3, intervalMs: 1_000, deviations: 2 } } },
      { outlier_detection: { base_ejection_time: { nanos: 500_000_000 }, max_ejection_time: { seconds: '2' }, interval: { seconds: '1' }, consecutive_5xx: { value: 3 }, max_ejection_percent: { value: 10 }, success_rate_stdev_factor: { value: 2_000 } } },
    ],
    ['outliers that are never left out', { ejection: { outliers: false } }, { outlier_detection: null }],
    [
      'a breaker',
      { breaker: { failureShare: 0.25, openMs: 1_500 }, ejection: { outliers: false } },
      {
        outlier_detection: {
          ...{ interval: { seconds: '10' }, base_ejection_time: { seconds: '1' }, max_ejection_time: { seconds: '1' }, max_ejection_percent: { value: 100 }, enforcing_consecutive_5xx: { value: 0 } },
          ...{ enforcing_success_rate: { value: 0 }, failure_percentage_threshold: { value: 25 }, enforcing_failure_percentage: { value: 100 }, failure_percentage_request_volume: { value: 20 } },
        },
      },
    ],
    ['outliers, which count before a breaker', { breaker: {}, ejection: {} }, { outlier_detection: { interval: { seconds: '10' }, base_ejection_time: { seconds: '1' }, failure_percentage_threshold: null } }],
  ])('%s of a cluster', (_what, route, wanted) => {
    expect(read('cluster', clusterOf('orders', route))).toMatchObject(wanted);
  });

  test('an instance that is used only if no other is left is degraded', () => {
    expect(endpointsOf(assign([candidate('a1', { isLastResort: true }), candidate('a2')])).map(({ health_status }) => health_status)).toEqual(['DEGRADED', 'HEALTHY']);
  });

  test('selects instances by tags and metadata, and changes their weights', () => {
    const { isUsed, factorOf, isCanary } = rulesOf({ select: { withoutTags: ['old'] }, weights: [{ select: { tags: ['big'] }, weight: 4 }, { select: { version: '2' }, weight: 0 }], canary: { select: { version: '2.1' }, share: 0.5 } });
    const of = (tags: string[], version: string) => ({ tags, meta: { version } });
    expect([isUsed(of(['old'], '2')), isUsed(of([], '2'))]).toEqual([false, true]);
    expect([factorOf(of(['big'], '2')), factorOf(of([], '2.3')), factorOf(of([], '1'))]).toEqual([4, 0, 1]);
    expect([isCanary?.(of([], '2.1.4')), isCanary?.(of([], '2.10'))]).toEqual([true, false]);
  });
});

test('sorting many instances and joining their bytes is done in steps, too, and changes no byte', () => {
  const candidates = Array.from({ length: 4_000 }, (_, at) => candidate(`i-${(at * 7_919) % 4_000}`, { address: `10.0.${at >> 8}.${at & 255}`, port: 80, zone: `z${at % 2}` }));
  const numbers: number[] = [];
  const steps = groupEndpoints(candidates);
  let grouped: Grouped | undefined;
  while (grouped === undefined) {
    const { done, value } = steps.next();
    if (done === true) grouped = value;
    else if (value !== undefined) numbers.push(value);
  }
  // A turn has 400 steps: none of these takes much more.
  expect(numbers.length).toBeGreaterThan(10);
  expect(Math.max(...numbers)).toBeLessThanOrEqual(400);
  const parts = grouped.localities.map(({ region, zone, weight, ready, endpoints }) => ({ region, zone, weight, ready, endpoints }));
  expect(assignmentOf('orders', grouped.localities, nowhere).sotw.equals(assignmentOf('orders', parts, nowhere).sotw)).toBe(true);
});
