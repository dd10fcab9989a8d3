/** A request as a handler gets it: its parameters, its caller and what the caller may do, and the parts of the server. */

import { plainAddress } from '../../../net/agent-node.ts';
import type { Context, Exchange } from '../../../net/frontend.ts';
import { principalOf } from '../../../net/principal.ts';
import type { Pace, Turns, Work } from '../../../net/turns.ts';
import { workOfRequest } from '../../../net/work-of-request.ts';
import type { Caller } from '../../../security/acl.ts';
import type { Resource, Verb } from '../../../security/authorizer.ts';
import type { Origin } from '../../../security/gate.ts';
import { namespaceFor } from '../../../security/hidden-namespace.ts';
import { ensureNamespace } from '../ensure-namespace.ts';
import { readServiceName, toNamespace, toService, type ServiceName } from '../names.ts';
import type { Params } from './params.ts';

export interface CallOptions {
  readonly context: Context;
  readonly exchange: Exchange;
  readonly params: Params;
  readonly caller: Caller;
  readonly origin: Origin;
  readonly turns: Turns;
}

export class Call {
  readonly context: Context;
  readonly exchange: Exchange;
  readonly params: Params;
  readonly caller: Caller;
  readonly origin: Origin;
  readonly #turns: Turns;
  /** The namespace that the request was about, for the audit log. */
  about = '';

  constructor({ context, exchange, params, caller, origin, turns }: CallOptions) {
    this.context = context;
    this.exchange = exchange;
    this.params = params;
    this.caller = caller;
    this.origin = origin;
    this.#turns = turns;
  }

  /** For self-preservation. */
  get principal(): string {
    return principalOf(this.caller, this.origin.address);
  }

  /** The address of the client: a proxy may say it, as Nacos believes it; only gray releases go by it. */
  get clientIp(): string {
    const { headers } = this.exchange.request;
    const [first = ''] = String(headers['x-forwarded-for'] ?? headers['x-real-ip'] ?? '').split(',');
    return first.trim() || plainAddress(this.origin.address);
  }

  /**
   * The namespace of the request. For a caller without a right in it, it looks as if it did not exist.
   * @param names of the parameter
   * @throws RegistryError `invalid_argument`
   */
  namespace(names: string | readonly string[] = 'namespaceId'): string {
    return this.seen(this.params.text(names));
  }

  /** The same for an id that is at hand. */
  seen(id: string): string {
    this.about = namespaceFor(this.caller, toNamespace(id));
    return this.about;
  }

  /** @throws RegistryError `invalid_argument` */
  service(): ServiceName {
    return readServiceName(this.params.required('serviceName'), this.params.text('groupName'));
  }

  may(namespace: string, resource: Resource, verb: Verb, name: string): boolean {
    return this.caller.authorizer.allows(namespace, resource, verb, name);
  }

  /** @throws RegistryError `permission_denied` */
  require(namespace: string, resource: Resource, verb: Verb, name: string): void {
    this.context.security.acl.authorize(this.caller, namespace, resource, verb, name);
  }

  /** @throws RegistryError `permission_denied` */
  requireService(namespace: string, service: ServiceName, verb: Verb): void {
    this.require(namespace, 'service', verb, toService(service));
  }

  /** @throws RegistryError as `ensureNamespace` */
  ensureNamespace(namespace: string): Promise<void> {
    return ensureNamespace(this.context, this.caller, this.origin, namespace);
  }

  /** Does work whose length follows the size of the state, in slices. */
  inTurns<T>(work: (pace: Pace) => Work<T>): Promise<T> {
    return workOfRequest(this.#turns, this.exchange.response, work);
  }
}
