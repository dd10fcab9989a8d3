/**
 * The rights of one stream: its caller, since its handshake and after every change of its token, and the permission
 * that each request needs. The secret itself is not kept.
 */

import { type FrameView, RegistryError, type RequestFrame } from '@rollcall/protocol';
import { principalOf } from '../../net/principal.ts';
import type { Access } from '../../security/access.ts';
import type { Caller } from '../../security/acl.ts';
import type { Resource, Verb } from '../../security/authorizer.ts';
import type { AuditEvent } from '../../security/audit.ts';
import type { Origin } from '../../security/gate.ts';
import { namespaceFor } from '../../security/hidden-namespace.ts';
import type { Security } from '../../security/security.ts';
import { resourceOfView } from '../../net/view-items/resource.ts';
import { namespaceOf } from '../../net/view-items/view-namespace.ts';

const ownSession = 'the secret of the session, and touches nothing but what that session has registered';

const ownLocks = 'the secret of the session of locks, which this stream has opened; it gives up what it has, and takes nothing';

/** The permissions that requests need. */
export const requestAccess: Readonly<Record<RequestFrame['type'], Access>> = {
  hello: { kind: 'own-proof', why: 'the secret of the session that it resumes; what the token may no longer write is removed' },
  /** For each service, also that of an instance which is replaced; as with Consul's agent, the node is the caller's own. */
  register: { kind: 'demands-by-name', resource: 'service', verb: 'write' },
  deregister: { kind: 'own-proof', why: ownSession },
  drain: { kind: 'own-proof', why: ownSession },
  beat: { kind: 'own-proof', why: ownSession },
  goodbye: { kind: 'own-proof', why: ownSession },
  /** A named service, key, lock or configuration needs permission; lists, instances on nodes, and layers are filtered. */
  watch: { kind: 'filters', resources: ['service', 'node', 'key', 'lock', 'config'] },
  get: { kind: 'filters', resources: ['service', 'node', 'key', 'lock'] },
  'config-report': { kind: 'open', why: 'says what this stream itself does with a configuration that it may watch' },
  'pick-report': { kind: 'open', why: 'says what this stream\'s client itself does; counts of services that it may not read are dropped' },
  unwatch: { kind: 'open', why: 'ends what this stream itself has begun' },
  'kv-put': { kind: 'demands-by-name', resource: 'key', verb: 'write' },
  'kv-delete': { kind: 'demands-by-name', resource: 'key', verb: 'write' },
  /** To read the service of the pool: a client that may call a service may have an ordinal among its callers. */
  lease: { kind: 'demands-by-name', resource: 'service', verb: 'read' },
  'lock-session': { kind: 'demands-by-name', resource: 'lock', verb: 'write' },
  'lock-acquire': { kind: 'demands-by-name', resource: 'lock', verb: 'write' },
  'lock-transfer': { kind: 'demands-by-name', resource: 'lock', verb: 'write' },
  'lock-queue': { kind: 'demands-by-name', resource: 'lock', verb: 'read' },
  'lock-renew': { kind: 'own-proof', why: ownLocks },
  'lock-release': { kind: 'own-proof', why: ownLocks },
  'lock-end': { kind: 'own-proof', why: ownLocks },
  /** To write each of its keys, and to read each lock that guards it. */
  txn: { kind: 'demands-by-name', resource: 'key', verb: 'write' },
};

export interface StreamAccessOptions {
  readonly security: Security;
  /** As the handshake's token says. */
  readonly caller: Caller;
  readonly origin: Origin;
  /** Called when the rights of the client may have changed: `refresh` before the next use. Must not throw. */
  readonly onChange: () => void;
}

export class StreamAccess {
  readonly #security: Security;
  readonly #origin: Origin;
  readonly #stopListening: () => void;
  #caller: Caller;

  constructor({ security, caller, origin, onChange }: StreamAccessOptions) {
    this.#security = security;
    this.#origin = origin;
    this.#caller = caller;
    this.#stopListening = security.acl.enabled ? security.acl.onChange(caller, onChange) : () => {};
  }

  /** The principal of the instances that the stream registers. */
  get principal(): string {
    return principalOf(this.#caller, this.#origin.address);
  }

  get caller(): Caller {
    return this.#caller;
  }

  /** @throws RegistryError `unauthenticated` when the token is gone */
  refresh(): void {
    this.#caller = this.#security.acl.refresh(this.#caller);
  }

  allows(namespace: string, resource: Resource, verb: Verb, name: string): boolean {
    return this.#caller.authorizer.allows(namespace, resource, verb, name);
  }

  /** @throws RegistryError `permission_denied` */
  require(namespace: string, resource: Resource, verb: Verb, name: string): void {
    this.#security.acl.authorize(this.#caller, namespace, resource, verb, name);
  }

  /** @throws RegistryError `permission_denied` */
  requireKeyTree(namespace: string, prefix: string): void {
    if (this.#caller.authorizer.allowsKeyTree(namespace, prefix, 'write')) return;
    throw this.#security.acl.denied(this.#caller, namespace, 'key', 'write', prefix);
  }

  /**
   * Demands that the namespace of a stream exists for its client.
   * @throws RegistryError `permission_denied`, whether it exists or not
   */
  demandNamespace(namespace: string): void {
    if (namespaceFor(this.#caller, namespace) !== namespace) throw this.#security.acl.denied(this.#caller, namespace, 'service', 'read');
  }

  /** The error for a view that may not be read. */
  unreadable(view: FrameView): RegistryError {
    return this.#security.acl.denied(this.#caller, namespaceOf(view), resourceOfView(view.kind), 'read', view.name);
  }

  record(kind: AuditEvent['kind'], namespace: string, action: string): void {
    this.#security.gate.record(kind, this.#caller, namespace, this.#origin, action);
  }

  close(): void {
    this.#stopListening();
  }
}

/** The line of the audit log for a request that changes the state, without values, with the client's reason; undefined for all others. */
export function auditAction(frame: RequestFrame): string | undefined {
  const action = actionOf(frame);
  const reason = 'reason' in frame ? frame.reason : undefined;
  return action === undefined || reason === undefined || reason === '' ? action : `${action}, because ${JSON.stringify(reason)}`;
}

function actionOf(frame: RequestFrame): string | undefined {
  switch (frame.type) {
    case 'register':
      return `register ${frame.instances.map(({ id, service }) => `${id} of ${service}`).join(', ')}`;
    case 'deregister':
    case 'drain':
      return `${frame.type} ${frame.instances.join(', ')}`;
    case 'kv-put':
      return `kv-put ${frame.key}`;
    case 'kv-delete':
      return `kv-delete ${frame.recurse === true ? `everything under ${frame.key}` : frame.key}`;
    case 'lease':
      return `lease ${frame.pool}`;
    case 'lock-acquire':
    case 'lock-release':
      return `${frame.type} ${frame.name}`;
    case 'lock-transfer':
      return `lock-transfer ${frame.name} to ${frame.to}`;
    case 'lock-end':
      return `lock-end ${frame.session}`;
    case 'txn':
      return `txn ${frame.operations.map(({ type, key }) => `${type} ${key}`).join(', ')}`;
    case 'goodbye':
      return 'goodbye';
    case 'hello':
    case 'beat':
    case 'config-report':
    case 'pick-report':
    case 'watch':
    case 'unwatch':
    case 'get':
    case 'lock-session':
    case 'lock-renew':
    case 'lock-queue':
      return undefined;
  }
}

/** The namespace in which a request changes the state. @param own that of the stream */
export function changedIn(frame: RequestFrame, own: string): string {
  return frame.type === 'kv-put' || frame.type === 'kv-delete' || frame.type === 'txn' ? (frame.namespace ?? own) : own;
}
