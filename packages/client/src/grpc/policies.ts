/**
 * The load-balancing policies for grpc-js: every balancer of this package under the name `rollcall_…`, with
 * its options as the policy's configuration in the service config
 * (https://github.com/grpc/grpc/blob/master/doc/service_config.md, `loadBalancingConfig`).
 */

import { demandKnown, type OptionNames } from '../demand.ts';
import type { ChannelOptions } from '@grpc/grpc-js';
import type { BalancerFactory } from '../balancer/balancer.ts';
import type { ZoneOptions } from '../routing/routing-options.ts';
import { demandZone } from '../routing/zone-options.ts';
import { boundedLoad } from '../balancer/bounded-load.ts';
import { c3 } from '../balancer/c3.ts';
import { jump } from '../balancer/hash-jump.ts';
import { maglev } from '../balancer/hash-maglev.ts';
import { memento } from '../balancer/hash-memento.ts';
import { rendezvous } from '../balancer/hash-rendezvous.ts';
import { ringHash } from '../balancer/hash-ring.ts';
import { leastConnections } from '../balancer/least-connections.ts';
import { leastRequest } from '../balancer/least-request.ts';
import { peakEwma } from '../balancer/peak-ewma.ts';
import { pickFirst } from '../balancer/pick-first.ts';
import { prequal } from '../balancer/prequal.ts';
import { responseTimeWeighted } from '../balancer/response-time-weighted.ts';
import { roundRobin } from '../balancer/round-robin.ts';
import { smoothWeightedRoundRobin } from '../balancer/smooth-weighted-round-robin.ts';
import { uniformRandom } from '../balancer/uniform-random.ts';
import { weightedRandom } from '../balancer/weighted-random.ts';
import { weightedRoundRobin } from '../balancer/weighted-round-robin.ts';

/** Options that are not plain values (functions) are those of the same balancer in the program only. */
type Policy = (config: object) => BalancerFactory;

function withoutOptions(name: string, balancer: () => BalancerFactory): Policy {
  return (config) => {
    demandKnown(config, {}, name);
    return balancer();
  };
}

export const policies = {
  bounded_load: (config) => boundedLoad(maglev(), config),
  c3,
  jump,
  least_connections: withoutOptions('least_connections', leastConnections),
  least_request: leastRequest,
  maglev,
  memento,
  peak_ewma: peakEwma,
  pick_first: pickFirst,
  // Probes are HTTP; what a gRPC server says of its load comes with its answers.
  prequal: (config) => prequal({ ...config, probesPerRequest: 0 }),
  rendezvous,
  response_time_weighted: responseTimeWeighted,
  ring_hash: ringHash,
  round_robin: withoutOptions('round_robin', roundRobin),
  smooth_weighted_round_robin: withoutOptions('smooth_weighted_round_robin', smoothWeightedRoundRobin),
  uniform_random: withoutOptions('uniform_random', uniformRandom),
  weighted_random: withoutOptions('weighted_random', weightedRandom),
  weighted_round_robin: withoutOptions('weighted_round_robin', weightedRoundRobin),
} satisfies Record<string, Policy>;

export type PolicyName = keyof typeof policies;

export const policyPrefix = 'rollcall_';

export interface PolicyOptions {
  /** Options of the balancer, as plain values. */
  readonly balancer?: object;
  /**
   * Calls stay in the caller's zone as far as that is fair. With `spillByLoad` by what servers report in their trailers (`grpcReports`). An
   * instance's zone is its metadata `zone`.
   */
  readonly zone?: Omit<ZoneOptions, 'zoneOf'>;
  /** Metadata key of calls whose value is the key of balancers that hash. */
  readonly keyHeader?: string;
  /**
   * Calls that end as UNAVAILABLE are made again, so often at most; only for methods that may be made twice.
   * 1 by default: not at all. At most 5, since grpc-js has that limit.
   */
  readonly triesMax?: number;
  /** Instead of that for single methods: `package.Service/Method`, or `package.Service` for all of its methods. */
  readonly methods?: Readonly<Record<string, MethodOptions>>;
}

export interface MethodOptions {
  /** Calls of an idempotent method that end as UNAVAILABLE are made again, so often at most, up to 5. 1 by default: not at all. */
  readonly triesMax?: number;
  /**
   * The same call goes to another instance when there is no answer after so long, in milliseconds, 0 or more, up to
   * `triesMax` (2 by default) times in all; the first answer counts. For idempotent methods, in place of retries.
   */
  readonly hedgeAfterMs?: number;
}

const policyOptions: OptionNames<PolicyOptions> = { balancer: true, keyHeader: true, zone: true, triesMax: true, methods: true };
const methodOptions: OptionNames<MethodOptions> = { triesMax: true, hedgeAfterMs: true };

/** As service configs name methods (https://github.com/grpc/grpc/blob/master/doc/service_config.md). */
function nameOf(method: string): { readonly service: string; readonly method?: string } {
  const [service = '', name] = method.split('/');
  return name === undefined ? { service } : { service, method: name };
}

function policyOf(options: MethodOptions): object {
  demandKnown(options, methodOptions, 'a method of channelOptions');
  const { hedgeAfterMs, triesMax = hedgeAfterMs === undefined ? 1 : 2 } = options;
  const statusCodes = ['UNAVAILABLE'];
  if (hedgeAfterMs !== undefined) {
    return { hedgingPolicy: { maxAttempts: triesMax, hedgingDelay: `${hedgeAfterMs / 1000}s`, nonFatalStatusCodes: statusCodes } };
  }
  if (triesMax === 1) return {};
  const backOff = { initialBackoff: '0.01s', maxBackoff: '0.1s', backoffMultiplier: 2 };
  return { retryPolicy: { maxAttempts: triesMax, ...backOff, retryableStatusCodes: statusCodes } };
}

/**
 * Options of a channel whose calls are balanced by that policy.
 * @throws RegistryError `invalid_argument` for an option of the balancer that is out of its range
 * @example new Client('rollcall:///orders', credentials.createInsecure(), channelOptions('peak_ewma'))
 */
export function channelOptions(name: PolicyName = 'peak_ewma', options: PolicyOptions = {}): ChannelOptions {
  const { balancer = {}, keyHeader, zone, triesMax = 1, methods = {} } = options;
  demandKnown(options, policyOptions, 'channelOptions');
  // In the channel nobody could catch what is wrong with them.
  const policy: Policy = policies[name];
  policy(balancer);
  if (zone !== undefined) demandZone(zone);
  const config = { balancer, ...(keyHeader !== undefined && { keyHeader }), ...(zone !== undefined && { zone }) };
  const own = Object.entries(methods).map(([method, settings]) => ({ name: [nameOf(method)], ...policyOf(settings) }));
  const methodConfig = [...own, ...(triesMax > 1 ? [{ name: [{}], ...policyOf({ triesMax }) }] : [])];
  const serviceConfig = {
    loadBalancingConfig: [{ [policyPrefix + name]: config }],
    ...(methodConfig.length > 0 && { methodConfig, retryThrottling: { maxTokens: 100, tokenRatio: 0.2 } }),
  };
  return { 'grpc.service_config': JSON.stringify(serviceConfig) };
}
