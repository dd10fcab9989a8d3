/** The input of an endpoint: the request, its caller, and the parts of the server. */

import { peerAddress } from '../../../net/agent-node.ts';
import type { Context, Exchange, Identity } from '../../../net/frontend.ts';
import { principalOf } from '../../../net/principal.ts';
import type { Work } from '../../../net/turns.ts';
import type { Limits } from '../../../options.ts';
import type { Frozen } from '../../../registry/frozen.ts';
import type { Caller } from '../../../security/acl.ts';
import type { JsonWriter } from '../wire/json-writer.ts';
import type { Params } from '../wire/params.ts';
import type { Reply, Written } from '../wire/reply.ts';
import type { Scope } from './scope.ts';
import { filteredHead, VisibilityFilter } from './visibility-filter.ts';

/** Everything that `decode` may read. */
export interface Incoming extends Scope {
  readonly exchange: Exchange;
  /** The path after the route's prefix, percent-encoded. */
  readonly rest: string;
  readonly params: Params;
  readonly identity: Identity;
  readonly limits: Limits;
}

export interface Call extends Incoming {
  readonly context: Context;
  readonly caller: Caller;
}

export type Handler = (call: Call) => Reply | Promise<Reply>;

/** The principal of the instances that the call registers or keeps alive. */
export function principal({ caller, exchange }: Pick<Call, 'caller' | 'exchange'>): string {
  return principalOf(caller, peerAddress(exchange.request.socket) ?? '');
}

/** An answer whose body is written in slices. */
export function written({ params }: Pick<Call, 'params'>, write: Written['write']): Written {
  return { type: 'written', pretty: params.has('pretty'), write };
}

/** A list from which `write` leaves out rows that the caller may not read; the answer reports that it did. */
export function listed(
  call: Pick<Call, 'caller' | 'namespace' | 'params'>,
  write: (state: Frozen, visible: VisibilityFilter, out: JsonWriter) => Work<void>,
): Written {
  const { caller, namespace } = call;
  const visible = new VisibilityFilter(caller.authorizer, namespace);
  return written(call, function* (state, out) {
    yield* write(state, visible, out);
    return { headers: filteredHead(visible.leftOut, caller) };
  });
}
