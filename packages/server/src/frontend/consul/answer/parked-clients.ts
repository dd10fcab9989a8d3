/**
 * The clients whose blocking queries wait, as lists of clients show them. A query says nothing of its client but its address, its user agent and its token, so those
 * of one address and agent count as one client. What is not a service, a key or keys under a prefix is left out.
 */

import type { ServerResponse } from 'node:http';
import type { ClientWatch } from '@rollcall/protocol';
import type { ConnectedClient } from '../../../clients/client.ts';
import { plainAddress } from '../../../net/agent-node.ts';
import { tokenOf } from '../../../net/principal.ts';
import type { Caller } from '../../../security/acl.ts';
import type { Plan } from './plan.ts';

export interface ParkedQuery {
  readonly response: ServerResponse;
  readonly plan: Plan;
  readonly caller: Caller;
}

/** Longest user agent that is shown. */
const agentMax = 128;

/** A query for each step; then the clients. */
export function* parkedClients(parked: Iterable<ParkedQuery>): Generator<ConnectedClient | undefined, void, undefined> {
  const clients = new Map<string, { readonly client: ConnectedClient; readonly watches: Map<string, ClientWatch> }>();
  for (const { response: { req: { socket, headers } }, plan, caller } of parked) {
    yield undefined;
    const watch = watchOf(plan.query.view);
    if (watch === undefined) continue;
    const agent = (headers['user-agent'] ?? '').slice(0, agentMax);
    const address = plainAddress(socket.remoteAddress ?? '');
    const accessorId = tokenOf(caller);
    const key = `consul ${address} ${agent} ${accessorId ?? ''}`;
    let known = clients.get(key);
    if (known === undefined) {
      const watches = new Map<string, ClientWatch>();
      const client = { key, address, accessorId, via: 'consul', namespace: plan.namespace, client: agent === '' ? 'a client of Consul' : agent, watches: () => watches.values() };
      clients.set(key, (known = { client, watches }));
    }
    known.watches.set(plan.query.view, watch);
  }
  for (const { client } of clients.values()) yield client;
}

/** By the names of views (`views.ts` of each room). */
function watchOf(view: string): ClientWatch | undefined {
  const [kind, namespace = '', ...name] = view.split('\0');
  return kind === 'service' || kind === 'services' || kind === 'key' || kind === 'prefix' ? { kind, namespace, name: name.join('\0') } : undefined;
}
