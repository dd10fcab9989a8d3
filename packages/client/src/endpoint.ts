/**
 * An endpoint: one instance as balancing sees it, for as long as it is in the list. The client's findings about
 * an instance (requests in flight, latency, ejection) belong to the identity of this object, so they survive
 * every update of the list that still has the instance. This file does not depend on balancers or transports.
 */

import { getsTraffic, type Instance } from '@rollcall/protocol';

export class Endpoint {
  /** The registry's newest record; replaced when its tags, metadata, weight or status change. */
  instance: Instance;
  /** Requests begun and not yet ended, counted by the sender. */
  inFlight = 0;
  /** Those of them whose answer has begun and was not read to its end, as far as this client sends them itself. */
  answering = 0;
  /** The part of its weight that it gets for now, more than 0 and up to 1; slow start raises it. */
  ramp = 1;

  constructor(instance: Instance) {
    this.instance = instance;
  }

  /** The weight that balancers use; 0 or more. */
  get weight(): number {
    return this.instance.weight * this.ramp;
  }

  /** `host:port` as it stands in a URL: IPv6 addresses are in brackets. */
  get authority(): string {
    const { address, port } = this.instance;
    return `${address.includes(':') ? `[${address}]` : address}:${port}`;
  }
}

/** The changes of an update of the list. */
export interface Reconciled {
  /** Endpoints of the new list in its order, by identity. */
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  /** Endpoints that are gone. */
  readonly removed: readonly Endpoint[];
  /** Endpoints whose instance became ready (again): it was registered anew or passes its checks. */
  readonly revived: readonly Endpoint[];
}

/**
 * Gives each instance the endpoint it had before, or a new one. An instance that moved to another
 * address or port is another endpoint: nothing learnt about the old place holds for the new one.
 */
export function reconcile(known: ReadonlyMap<string, Endpoint>, instances: readonly Instance[]): Reconciled {
  const endpoints = new Map<string, Endpoint>();
  const revived: Endpoint[] = [];
  for (const instance of instances) {
    const identity = identityOf(instance);
    const endpoint = known.get(identity);
    if (endpoint === undefined) {
      endpoints.set(identity, new Endpoint(instance));
      continue;
    }
    if (isReady(instance) && !isReady(endpoint.instance)) revived.push(endpoint);
    endpoint.instance = instance;
    endpoints.set(identity, endpoint);
  }
  const removed: Endpoint[] = [];
  for (const [identity, endpoint] of known) {
    if (!endpoints.has(identity)) removed.push(endpoint);
  }
  return { endpoints, removed, revived };
}

/** Whether the registry says that the instance gets new work. */
export function isReady(instance: Instance): boolean {
  return getsTraffic(instance.status);
}

/**
 * The key of an instance, the same for every client. Ids are unique on their node only. Newlines cannot occur
 * in names, so the parts stay apart.
 */
export function identityOf({ node, id, address, port }: Instance): string {
  return `${node}\n${id}\n${address}\n${port}`;
}
