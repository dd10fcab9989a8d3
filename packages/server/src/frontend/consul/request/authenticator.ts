/**
 * The entrance of every request: whether it may come from where it comes from, with which token, and
 * who that is. What a caller may do is asked where it is known what is wanted (`call.ts`, `answer/answering.ts`).
 */

import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { RegistryError } from '@rollcall/protocol';
import type { Context } from '../../../net/frontend.ts';
import type { Caller } from '../../../security/acl.ts';
import type { AuditEvent } from '../../../security/audit.ts';
import { compileRules } from '../../../security/authorizer.ts';
import type { Origin } from '../../../security/gate.ts';
import { readHead } from '../wire/request-head.ts';

/** The caller of what anybody may ask: nobody looks at its token. It may do nothing that is demanded. */
export const nobody: Caller = {
  accessorId: '',
  authorizer: compileRules([], 'deny'),
  secretHash: '',
  expiresAtMs: Infinity,
};

export class Authenticator {
  readonly #context: Context;
  /** `Host` headers that were found to be good, by connection: they do not change in it, unless by a proxy. */
  readonly #hosts = new WeakMap<Socket, string>();

  constructor(context: Context) {
    this.#context = context;
  }

  /**
   * @returns the token of the headers; empty when there is none
   * @throws RegistryError `permission_denied` for pages of other origins; `invalid_argument` for namespaces
   */
  check(request: IncomingMessage): string {
    const { token, host, fromPage } = readHead(request);
    const { socket } = request;
    if (fromPage || host === undefined || this.#hosts.get(socket) !== host) {
      const refusal = this.#context.origins.refusal(request);
      if (refusal !== undefined) throw new RegistryError('permission_denied', refusal);
      if (host !== undefined) this.#hosts.set(socket, host);
    }
    return token;
  }

  /** Who asks. @throws RegistryError `unauthenticated`; TooManyFailures */
  enter(request: IncomingMessage, token: string): Caller {
    const { gate, acl } = this.#context.security;
    if (token === '' || !acl.enabled) return acl.resolve(undefined);
    return gate.enter(token, originOf(request));
  }

  /** Writes into the audit log what was done or denied: method and path, without parameters. */
  record(kind: AuditEvent['kind'], request: IncomingMessage, caller: Caller | undefined): void {
    const { method = '', url = '' } = request;
    const end = url.indexOf('?');
    const path = end < 0 ? url : url.slice(0, end);
    this.#context.security.gate.record(kind, caller, originOf(request), `${method} ${path}`);
  }
}

/** Where a request comes from. */
export function originOf({ socket }: IncomingMessage): Origin {
  return { address: socket.remoteAddress ?? '', via: 'consul' };
}
