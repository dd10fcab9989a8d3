/**
 * Who opens a stream. Envoy sends its token as a header of the call; clients of gRPC cannot, so theirs may be in the metadata of the node, as
 * `token`. The same place names the namespace of the stream.
 */

import { isNamespaceName, isRegistryError, RegistryError, toRegistryError } from '@rollcall/protocol';
import type { Context } from '../../../net/frontend.ts';
import type { BidiStream, Header, Link } from '../../../net/grpc/method.ts';
import { refusal } from '../../../net/grpc/status.ts';
import { requestToken } from '../../../net/request-token.ts';
import { statusByCode } from '../../../net/status-by-code.ts';
import type { Caller } from '../../../security/acl.ts';
import { namespaceFor } from '../../../security/hidden-namespace.ts';
import type { NodeInfo } from '../wire/messages.ts';

export interface EntranceOptions {
  readonly context: Pick<Context, 'security' | 'log' | 'metrics'>;
  readonly link: Link;
  readonly header: Header;
  /** Label of the method in the metrics. */
  readonly route: string;
}

export class Entrance {
  readonly #options: EntranceOptions;

  constructor(options: EntranceOptions) {
    this.#options = options;
  }

  /** @throws RegistryError `unauthenticated`; TooManyFailures */
  enter({ metadata }: NodeInfo): Caller {
    const { context, link, header } = this.#options;
    const headers = { authorization: header('authorization'), 'x-consul-token': header('x-consul-token') };
    const secret = requestToken({ headers }) ?? metadata.get('token');
    return context.security.gate.enter(secret, { address: link.address, via: 'xds' });
  }

  /** The namespace of names without one. @throws RegistryError `invalid_argument` */
  homeOf(caller: Caller, { metadata }: NodeInfo): string {
    const named = metadata.get('namespace') ?? caller.namespace;
    if (!isNamespaceName(named)) throw new RegistryError('invalid_argument', `the metadata of the node has the namespace ${JSON.stringify(named.slice(0, 80))}, which is no name of one`);
    return namespaceFor(caller, named);
  }

  /**
   * Calls the listener with the caller's new rights whenever they may have changed. It ends the stream when they are gone.
   * @returns stops it
   */
  follow(caller: Caller, listener: (refreshed: Caller) => void, onGone: (error: unknown) => void): () => void {
    const { acl } = this.#options.context.security;
    if (!acl.enabled) return () => {};
    return acl.onChange(caller, () => {
      let refreshed: Caller;
      try {
        refreshed = acl.refresh(caller);
      } catch (error) {
        if (!isRegistryError(error)) throw error;
        onGone(error);
        return;
      }
      listener(refreshed);
    });
  }

  /** Ends a call with an error. */
  refuse(stream: BidiStream, error: unknown): void {
    const { context, link, route } = this.#options;
    const { code, message } = toRegistryError(error);
    if (code === 'internal') context.log.error({ err: error, remote: link.address }, 'a stream of xDS failed');
    else context.log.info({ remote: link.address, code, reason: message }, 'a stream of xDS was refused');
    context.metrics.request(route, statusByCode[code]);
    stream.emit('error', refusal(error));
  }
}
