/**
 * An endpoint: one instance as balancing sees it, for as long as it is in the list. The client's measurements of
 * an instance (requests in flight, latency, ejection) belong to the identity of this object, so they survive
 * every update of the list that still has the instance. This file does not depend on balancers or transports.
 */

import { getsTraffic, identityOf, type Instance } from '@rollcall/protocol';

export class Endpoint {
  /** The registry's newest record; replaced when its tags, metadata, weight or status change. */
  instance: Instance;
  /** Requests begun and not yet ended, counted by the sender. */
  inFlight = 0;
  /** Requests in flight whose answer has begun but was not read to its end; counts only requests that this client sends itself. */
  answering = 0;
  /** The present share of its weight, more than 0 and up to 1; slow start raises it. */
  ramp = 1;

  constructor(instance: Instance) {
    this.instance = instance;
  }

  /** The weight that balancers use; 0 or more. */
  get weight(): number {
    return this.instance.weight * this.ramp;
  }

  /** `host:port` as in a URL: IPv6 addresses are in brackets. */
  get authority(): string {
    const { address, port } = this.instance;
    return `${address.includes(':') ? `[${address}]` : address}:${port}`;
  }
}

const none: ReadonlyMap<string, Endpoint> = new Map();

/** The changes of an update of the list. */
export interface Reconciled {
  /** Endpoints of the new list in its order, by identity. */
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  /** Endpoints whose instances left the list. */
  readonly removed: readonly Endpoint[];
  /** Endpoints whose instances became ready (again): registered again, or passing again. */
  readonly revived: readonly Endpoint[];
}

/**
 * Gives each instance the endpoint that it had before, or a new one. An instance that moved to another
 * address or port gets a new one, since measurements of the old address do not apply to the new one.
 * @param elsewhere endpoints of other lists, which instances that move to this list keep
 */
export function reconcile(known: ReadonlyMap<string, Endpoint>, instances: readonly Instance[], elsewhere: ReadonlyMap<string, Endpoint> = none): Reconciled {
  const endpoints = new Map<string, Endpoint>();
  const revived: Endpoint[] = [];
  for (const instance of instances) {
    const identity = identityOf(instance);
    const endpoint = known.get(identity);
    if (endpoint === undefined) {
      endpoints.set(identity, moved(elsewhere.get(identity), instance) ?? new Endpoint(instance));
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

/** The endpoint in its new list, where it is warm: no slow start of the old one raises its weight any more. */
function moved(endpoint: Endpoint | undefined, instance: Instance): Endpoint | undefined {
  if (endpoint === undefined) return undefined;
  endpoint.instance = instance;
  endpoint.ramp = 1;
  return endpoint;
}

/** Whether the instance should get new requests. */
export function isReady(instance: Instance): boolean {
  return getsTraffic(instance.status);
}
