/**
 * The service config of a channel as the route of the service changes it: the time of calls, and how often they may be sent. It is gRPC's own
 * form (https://github.com/grpc/grpc/blob/master/doc/service_config.md); which instance a call goes to, is decided by the policy.
 *
 * A gRPC method may be called twice only if the program says so, so a route lowers `triesMax` here and never raises it.
 */

import type { MethodConfig, ServiceConfig } from '@grpc/grpc-js';
import { checkRoute } from '@rollcall/protocol';

/** The config of a channel without methods or policy. */
const empty: ServiceConfig = { loadBalancingConfig: [], methodConfig: [] };

/**
 * @param own the option `grpc.service_config` of the channel, which grpc-js has accepted
 * @param route not checked; one that cannot be followed changes nothing
 * @returns null for the channel's own config
 */
export function serviceConfigOf(own: unknown, route: unknown): ServiceConfig | null {
  const checked = checkRoute(route ?? {});
  if (!checked.ok) return null;
  const { timeoutMs, triesMax } = checked.route;
  if (timeoutMs === undefined && triesMax === undefined) return null;
  const config = typeof own === 'string' ? { ...empty, ...(JSON.parse(own) as Partial<ServiceConfig>) } : empty;
  const changed = (method: MethodConfig) => timed(triesMax === undefined ? method : bounded(method, triesMax), timeoutMs);
  const isForAll = ({ name }: MethodConfig) => name.some(({ service }) => service === undefined || service === '');
  const methods = config.methodConfig.some(isForAll) ? config.methodConfig : [...config.methodConfig, { name: [{}] }];
  return { ...config, methodConfig: methods.map(changed) };
}

function timed(method: MethodConfig, timeoutMs: number | undefined): MethodConfig {
  if (timeoutMs === undefined) return method;
  const seconds = Math.floor(timeoutMs / 1_000);
  return { ...method, timeout: { seconds, nanos: Math.round((timeoutMs - seconds * 1_000) * 1e6) } };
}

function bounded({ retryPolicy, hedgingPolicy, ...method }: MethodConfig, triesMax: number): MethodConfig {
  if (triesMax === 1) return method;
  const bound = <P extends { readonly maxAttempts: number }>(policy: P): P => ({ ...policy, maxAttempts: Math.min(policy.maxAttempts, triesMax) });
  return { ...method, ...(retryPolicy && { retryPolicy: bound(retryPolicy) }), ...(hedgingPolicy && { hedgingPolicy: bound(hedgingPolicy) }) };
}
