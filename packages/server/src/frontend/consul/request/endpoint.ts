/**
 * An endpoint: one request, in four steps that always run in this order.
 *
 *   decode ──────► authorize ───────► command ──────► answer
 *   path, query,   permissions for    one change of   Consul's JSON,
 *   headers, body  that request       the registry    status, text
 *   → one object
 *
 * `decode` reports every grammar error, with Consul's text, and does not read the registry. `permissions` lists the
 * permissions for that object; it may read the state (the service of a check), and changes nothing.
 * Endpoints without a command only read. Lists that come from a view, and can wait for it, are queries (`query.ts`).
 */

import type { Command, Result } from '../../../registry/kinds.ts';
import type { State } from '../../../registry/state.ts';
import type { Reply } from '../wire/reply.ts';
import type { Call, Handler, Incoming } from './call.ts';
import { authorize, type Permission } from './permission.ts';

interface Steps<R> {
  /** @throws RegistryError `invalid_argument` */
  readonly decode: (incoming: Incoming) => R | Promise<R>;
  /**
   * The required permissions. Not called while access control is off.
   * @throws RegistryError if the request names something that does not exist, and so has no permission
   */
  readonly permissions?: (request: R, state: State, call: Call) => Iterable<Permission>;
}

/** An endpoint that submits one command. */
export interface CommandSteps<R, C extends Command> extends Steps<R> {
  /** @throws RegistryError if the state does not fit the request */
  readonly command: (request: R, call: Call) => C;
  /** An empty 200 when absent. */
  readonly answer?: (result: Result<C>, request: R, call: Call) => Reply;
}

/** An endpoint that submits no command, or not always exactly one. */
export interface AnswerSteps<R> extends Steps<R> {
  readonly answer: (request: R, call: Call) => Reply | Promise<Reply>;
}

export function commandEndpoint<R, C extends Command>({ decode, permissions, command, answer }: CommandSteps<R, C>): Handler {
  // One function with both waits: each further asynchronous function costs a quarter of a microsecond.
  return async (call) => {
    const decoding = decode(call);
    const request = decoding instanceof Promise ? await decoding : decoding;
    demand(call, request, permissions);
    const result = await call.context.registry.submit(command(request, call));
    return answer?.(result, request, call);
  };
}

function demand<R>(call: Call, request: R, permissions: Steps<R>['permissions']): void {
  const { registry, security } = call.context;
  if (permissions !== undefined && security.acl.enabled) authorize(call, permissions(request, registry.state, call));
}

export function endpoint<R>({ decode, permissions, answer }: AnswerSteps<R>): Handler {
  const proceed = (request: R, call: Call): Reply | Promise<Reply> => {
    demand(call, request, permissions);
    return answer(request, call);
  };
  // Awaiting here costs less than chaining promises; heartbeats, which decode synchronously, pay for neither.
  const proceedLater = async (decoding: Promise<R>, call: Call): Promise<Reply> => {
    const reply = proceed(await decoding, call);
    return reply instanceof Promise ? await reply : reply;
  };
  return (call) => {
    const request = decode(call);
    return request instanceof Promise ? proceedLater(request, call) : proceed(request, call);
  };
}
