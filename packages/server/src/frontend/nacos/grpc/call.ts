/** What a handler of a message is given: its client, the caller and its rights, and the fields. */

import { isRegistryError } from '@rollcall/protocol';
import type { Context } from '../../../net/frontend.ts';
import type { Access } from '../../../security/access.ts';
import type { Caller } from '../../../security/acl.ts';
import type { Resource, Verb } from '../../../security/authorizer.ts';
import { namespaceFor } from '../../../security/hidden-namespace.ts';
import { ensureNamespace } from '../ensure-namespace.ts';
import { readServiceName, toNamespace, toService, type ServiceName } from '../names.ts';
import type { Answer } from './answer.ts';
import type { ClientInstances } from './client-instances.ts';
import type { Connection } from './connection.ts';
import { text } from './fields.ts';
import type { ConfigListens } from './config-listens.ts';
import type { FuzzyWatches } from './fuzzy-watches.ts';
import type { Subscriptions } from './subscriptions.ts';
import type { JsonObject } from './wire.ts';

export interface Parts {
  readonly context: Context;
  readonly subscriptions: Subscriptions;
  readonly configListens: ConfigListens;
  readonly fuzzyWatches: FuzzyWatches;
}

export interface CallOptions {
  readonly parts: Parts;
  readonly connection: Connection;
  readonly instances: ClientInstances;
  readonly caller: Caller;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: JsonObject;
}

export class Call {
  readonly context: Context;
  readonly subscriptions: Subscriptions;
  readonly configListens: ConfigListens;
  readonly fuzzyWatches: FuzzyWatches;
  readonly connection: Connection;
  readonly instances: ClientInstances;
  readonly caller: Caller;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: JsonObject;

  constructor({ parts, connection, instances, caller, headers, body }: CallOptions) {
    this.context = parts.context;
    this.subscriptions = parts.subscriptions;
    this.configListens = parts.configListens;
    this.fuzzyWatches = parts.fuzzyWatches;
    this.connection = connection;
    this.instances = instances;
    this.caller = caller;
    this.headers = headers;
    this.body = body;
  }

  /**
   * The namespace of the request; one that the caller may not know looks as if it did not exist.
   * @param field of its id
   * @throws RegistryError `invalid_argument`
   */
  namespace(field: string): string {
    return this.seen(toNamespace(text(this.body, field)));
  }

  /** The same for a namespace that is at hand. */
  seen(namespace: string): string {
    return namespaceFor(this.caller, namespace);
  }

  /** The caller with its present permissions; undefined when its token is gone. For what outlives the call. */
  callerNow(): Caller | undefined {
    try {
      return this.context.security.acl.refresh(this.caller);
    } catch (error) {
      if (isRegistryError(error)) return undefined;
      throw error;
    }
  }

  /** @throws RegistryError `invalid_argument` */
  service(): ServiceName {
    return readServiceName(text(this.body, 'serviceName'), text(this.body, 'groupName'));
  }

  /** Whether the caller may read a service, by its name in the registry, with its present permissions. */
  mayReadService(namespace: string, service: string): boolean {
    return this.callerNow()?.authorizer.allows(namespace, 'service', 'read', service) === true;
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
    return ensureNamespace(this.context, this.caller, { address: this.connection.link.address, via: 'nacos' }, namespace);
  }
}

/** One type of message that clients send. */
export interface MessageType {
  /** Of the answer. */
  readonly reply: string;
  readonly access: Access;
  /** @throws RegistryError */
  handle(call: Call): Promise<Answer> | Answer;
}

export type MessageTypes = Readonly<Record<string, MessageType>>;
