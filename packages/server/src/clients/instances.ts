/** The instances that live as long as a session, as lists of clients show them. */

import type { ClientInstance } from '@rollcall/protocol';
import { instancesOfSession } from '../registry/kind/catalog/find.ts';
import type { State } from '../registry/state.ts';

export function* instancesIn(state: State, namespace: string, session: string): Generator<ClientInstance, void, undefined> {
  for (const { service, node, id } of instancesOfSession(state, namespace, session)) yield { namespace, service, node, id };
}
