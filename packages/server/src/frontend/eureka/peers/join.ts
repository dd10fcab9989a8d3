/** Makes the replication with the peers that an operator names. Loaded only if there are some. */

import type { SecureContext } from 'node:tls';
import { RegistryError } from '@rollcall/protocol';
import type { Ownership } from '../../../health/ownership.ts';
import type { Context } from '../../../net/frontend.ts';
import type { Resolve } from '../../../outbound/address-policy.ts';
import type { Inbound } from './inbound.ts';
import { parsePeerUrl, peerClient } from './peer-client.ts';
import { Replication } from './replication.ts';

/** What replication needs beyond the context of all front ends. */
export interface Outward {
  readonly ownership: Pick<Ownership, 'owns' | 'generation'>;
  readonly resolve: Resolve;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

export interface PeerOptions {
  readonly urls: readonly string[];
  /** Whom peers over HTTPS are checked against; the well-known authorities by default. */
  readonly trust: SecureContext | undefined;
}

/** Peers beyond this many are a mistake: each gets every change. */
const peersMax = 32;

/** @throws RegistryError `invalid_argument` for a peer that is no URL, for one that is named twice, and for too many */
export function joinPeers(context: Context, { urls, trust }: PeerOptions, inbound: Inbound, { ownership, resolve, random }: Outward): Replication {
  const { registry, health, wheel, metrics, log } = context;
  const clients = urls.map((url) => peerClient(parsePeerUrl(url), { resolve, trust }));
  const again = clients.find(({ url }, at) => clients.findIndex((other) => other.url === url) !== at);
  if (again !== undefined) throw new RegistryError('invalid_argument', `the Eureka peer ${again.url} is named twice; leave one out`);
  if (clients.length > peersMax) throw new RegistryError('invalid_argument', `${clients.length} Eureka peers are named, the limit is ${peersMax}`);
  return new Replication({
    ...{ registry, health, wheel, ownership, clients, inbound, random },
    log: log.child({ part: 'eureka-peers' }),
    count: (action, messages) => metrics.eurekaReplicated.inc({ action }, messages),
  });
}
