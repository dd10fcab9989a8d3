/** The two variants of the protocol behind one face, so that a stream need not know which one it has. */

import type { ResourceType } from '../wire/any.ts';
import { typeUrls } from '../wire/any.ts';
import { decodeDeltaRequest, decodeSotwRequest, encodeDeltaResponse, encodeSotwResponse, type NodeInfo } from '../wire/messages.ts';
import { DeltaSubscription } from './delta.ts';
import type { News, Verdict } from './shelf.ts';
import { SotwSubscription } from './sotw.ts';
import type { Subscription } from './subscription.ts';

export interface Asked {
  readonly typeUrl: string;
  readonly node: NodeInfo | undefined;
  /** Why the client has refused a response; undefined when it has not. */
  readonly error: string | undefined;
  /** How many names it has. */
  readonly count: number;
  /** The longest of its names, in characters. */
  readonly longest: number;
  /** The version that the client had on an earlier stream; undefined when it shows none. */
  readonly before: string | undefined;
  /** Whether the client shows that it has resources from an earlier stream. */
  readonly hasHistory: boolean;
  /** Applies the request to the subscription of its type. */
  apply(subscription: Subscription): Verdict;
}

export interface Variant {
  /** For metrics and logs. */
  readonly name: 'sotw' | 'delta';
  /** @throws Error when the bytes are no request */
  read(bytes: Buffer): Asked;
  subscribe(type: ResourceType): Subscription;
  write(type: ResourceType, news: News, version: string, node: string): Buffer;
}

export const sotw: Variant = {
  name: 'sotw',
  read(bytes) {
    const { typeUrl, node, ...request } = decodeSotwRequest(bytes);
    return {
      ...{ typeUrl, node, error: request.error, count: request.names.length, longest: longestOf(request.names) },
      before: request.versionInfo === '' ? undefined : request.versionInfo,
      hasHistory: request.versionInfo !== '',
      apply: (subscription) => (subscription as SotwSubscription).request(request),
    };
  },
  subscribe: (type) => new SotwSubscription(type),
  write: (type, news, version, node) => encodeSotwResponse({ typeUrl: typeUrls[type], news, version, node }),
};

export const delta: Variant = {
  name: 'delta',
  read(bytes) {
    const { typeUrl, node, ...request } = decodeDeltaRequest(bytes);
    const names = [...request.subscribe, ...request.unsubscribe, ...request.initialVersions.keys()];
    return {
      ...{ typeUrl, node, error: request.error, count: request.subscribe.length, longest: longestOf(names) },
      before: undefined,
      hasHistory: request.initialVersions.size > 0,
      apply: (subscription) => (subscription as DeltaSubscription).request(request),
    };
  },
  subscribe: (type) => new DeltaSubscription(type),
  write: (type, news, version, node) => encodeDeltaResponse({ typeUrl: typeUrls[type], news, version, node }),
};

function longestOf(names: readonly string[]): number {
  let longest = 0;
  for (const { length } of names) longest = Math.max(longest, length);
  return longest;
}
