/** A client of Nacos as lists of clients show it: what its set-up said, the services to which it subscribes and the configurations to which it listens. */

import { type ClientWatch, defaultNamespace } from '@rollcall/protocol';
import type { ConnectedClient } from '../../../clients/client.ts';
import { plainAddress } from '../../../net/agent-node.ts';
import { tokenOf } from '../../../net/principal.ts';
import type { Caller } from '../../../security/acl.ts';
import type { Parts } from './call.ts';
import type { ClientInstances } from './client-instances.ts';
import type { Connection } from './connection.ts';

export interface Shown {
  readonly connection: Connection;
  readonly instances: ClientInstances;
  /** Of the newest call; undefined before the first one. */
  readonly caller: Pick<Caller, 'accessorId'> | undefined;
}

export function connectedClient({ connection, instances, caller }: Shown, { subscriptions, configListens }: Parts): ConnectedClient {
  const { client: { version, labels }, link: { address }, sinceMs } = connection;
  const { AppName: app } = labels;
  return {
    ...{ key: connection, version, sinceMs, via: 'nacos', namespace: defaultNamespace, address: plainAddress(address) },
    client: typeof app === 'string' && app !== '' ? app.slice(0, 128) : 'a client of Nacos',
    accessorId: caller && tokenOf(caller),
    instances: () => instances.all(),
    *watches(): Generator<ClientWatch, void, undefined> {
      yield* subscriptions.watches(connection);
      yield* configListens.watches(connection);
    },
  };
}
