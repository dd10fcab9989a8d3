/**
 * The options of a channel whose calls are balanced here: the policy's name and plain data go into gRPC's
 * service config (https://github.com/grpc/grpc/blob/master/doc/service_config.md); settings that may hold
 * functions (selectors, listeners) go into an option of the channel, which grpc-js passes to the policy.
 */

import { experimental, type ChannelOptions } from '@grpc/grpc-js';
import { checkKnown, type OptionNames } from '../option-check.ts';
import { ChannelRouter, type ChannelSettings } from './channel-router.ts';
import { policies, policyPrefix, type PolicyName } from './policies.ts';

/** The settings of a channel, among its options. Options of this prefix do not stop channels from sharing connections. */
export const settingsOption = `${experimental.SUBCHANNEL_ARGS_EXCLUDE_KEY_PREFIX}.rollcall.settings`;

export interface PolicyOptions extends ChannelSettings {
  /** Options of the balancer, as plain values. */
  readonly balancer?: object;
  /** Metadata key whose value balancers by key hash. */
  readonly keyHeader?: string;
  /**
   * Most times that a call is sent while it ends as UNAVAILABLE; only for methods that may be called twice.
   * 1 by default: no retry. At most 5, the limit of grpc-js.
   */
  readonly triesMax?: number;
  /** Overrides for single methods: `package.Service/Method`, or `package.Service` for all of its methods. */
  readonly methods?: Readonly<Record<string, MethodOptions>>;
}

export interface MethodOptions {
  /** Most times to send a call of an idempotent method while it ends as UNAVAILABLE, up to 5. 1 by default. */
  readonly triesMax?: number;
  /**
   * The same call goes to another instance when there is no answer after this time, in milliseconds, 0 or more,
   * at most `triesMax` (2 by default) times in all; the first answer counts. For idempotent methods, in place of retries.
   */
  readonly hedgeAfterMs?: number;
}

const policyOptions: OptionNames<PolicyOptions> = {
  balancer: true, keyHeader: true, triesMax: true, methods: true, routing: true, ejection: true, panicThreshold: true,
  breaker: true, endpointRequestsMax: true, followRoute: true, onEvent: true,
};
const methodOptions: OptionNames<MethodOptions> = { triesMax: true, hedgeAfterMs: true };

/**
 * Options of a channel whose calls this policy balances.
 * @throws RegistryError `invalid_argument` for an option that is unknown or out of its range
 * @example new Client('rollcall:///orders', credentials.createInsecure(), channelOptions('peak_ewma'))
 */
export function channelOptions(name: PolicyName = 'peak_ewma', options: PolicyOptions = {}): ChannelOptions {
  checkKnown(options, policyOptions, 'channelOptions');
  const { balancer = {}, keyHeader, triesMax = 1, methods = {}, ...settings } = options;
  // Checked here: no caller could catch the error in the channel.
  void new ChannelRouter({ ...settings, balancer: policies[name](balancer) }, { monotonic: () => 0 }, 0);
  const own = Object.entries(methods).map(([method, given]) => ({ name: [nameOf(method)], ...policyOf(given) }));
  const methodConfig = [...own, ...(triesMax > 1 ? [{ name: [{}], ...policyOf({ triesMax }) }] : [])];
  const serviceConfig = {
    loadBalancingConfig: [{ [policyPrefix + name]: { balancer, ...(keyHeader !== undefined && { keyHeader }) } }],
    ...(methodConfig.length > 0 && { methodConfig, retryThrottling: { maxTokens: 100, tokenRatio: 0.2 } }),
  };
  return {
    'grpc.service_config': JSON.stringify(serviceConfig),
    ...(Object.keys(settings).length > 0 && { [settingsOption]: settings }),
  };
}

/** Methods in the form of service configs. */
function nameOf(method: string): { readonly service: string; readonly method?: string } {
  const [service = '', name] = method.split('/');
  return name === undefined ? { service } : { service, method: name };
}

function policyOf(options: MethodOptions): object {
  checkKnown(options, methodOptions, 'a method of channelOptions');
  const { hedgeAfterMs, triesMax = hedgeAfterMs === undefined ? 1 : 2 } = options;
  const statusCodes = ['UNAVAILABLE'];
  if (hedgeAfterMs !== undefined) {
    return { hedgingPolicy: { maxAttempts: triesMax, hedgingDelay: `${hedgeAfterMs / 1000}s`, nonFatalStatusCodes: statusCodes } };
  }
  if (triesMax === 1) return {};
  const backOff = { initialBackoff: '0.01s', maxBackoff: '0.1s', backoffMultiplier: 2 };
  return { retryPolicy: { maxAttempts: triesMax, ...backOff, retryableStatusCodes: statusCodes } };
}
