/**
 * Authenticator: checks the origin of a request, reads its token, and finds the caller with that token.
 * `permission.ts` later checks what the caller may do, once the request is decoded.
 */

import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { defaultNamespace, RegistryError } from '@rollcall/protocol';
import type { Context } from '../../../net/frontend.ts';
import type { Access } from '../../../security/access.ts';
import type { Caller } from '../../../security/acl.ts';
import type { AuditEvent } from '../../../security/audit.ts';
import { compileRules } from '../../../security/authorizer.ts';
import type { Origin } from '../../../security/gate.ts';
import { readHead, type RequestHead } from '../wire/request-head.ts';

/** The caller of an open route: its token is ignored, and it has no permissions. */
export const unidentified: Caller = {
  accessorId: '',
  namespace: defaultNamespace,
  authorizer: compileRules([], 'deny'),
  secretHash: '',
  expiresAtMs: Infinity,
};

export class Authenticator {
  readonly #context: Context;
  /** Accepted `Host` headers, by connection: only a proxy changes them within one. */
  readonly #hosts = new WeakMap<Socket, string>();

  constructor(context: Context) {
    this.#context = context;
  }

  /** @throws RegistryError `permission_denied` for pages of other origins; `invalid_argument` for partitions */
  readHead(request: IncomingMessage): RequestHead {
    const head = readHead(request);
    const { host, fromPage } = head;
    const { socket } = request;
    if (fromPage || host === undefined || this.#hosts.get(socket) !== host) {
      const refusal = this.#context.origins.refusal(request);
      if (refusal !== undefined) throw new RegistryError('permission_denied', refusal);
      if (host !== undefined) this.#hosts.set(socket, host);
    }
    return head;
  }

  /**
   * The caller, for a route with this access.
   * @throws RegistryError `unauthenticated`; TooManyFailures
   */
  authenticate(request: IncomingMessage, { kind }: Access, token: string): Caller {
    if (kind === 'open' || kind === 'own-proof') return unidentified;
    const { gate, acl } = this.#context.security;
    if (token === '' || !acl.enabled) return acl.resolve(undefined);
    return gate.enter(token, originOf(request));
  }

  /**
   * Records an action or a denial in the audit log: method and path, without parameters.
   * @param namespace of the request; empty if the request was refused before it was read
   */
  record(kind: AuditEvent['kind'], request: IncomingMessage, caller: Caller | undefined, namespace: string): void {
    const { method = '', url = '' } = request;
    const end = url.indexOf('?');
    const path = end < 0 ? url : url.slice(0, end);
    this.#context.security.gate.record(kind, caller, namespace, originOf(request), `${method} ${path}`);
  }
}

/** The origin of a request, for the gate. */
export function originOf({ socket }: IncomingMessage): Origin {
  return { address: socket.remoteAddress ?? '', via: 'consul' };
}
