/**
 * A client of ZooKeeper as lists of clients show it: its session, and the paths that it watches. A path whose children are the instances of a service is
 * shown as the service, so that clients of all protocols are found by it.
 */

import type { ClientWatch } from '@rollcall/protocol';
import type { ConnectedClient } from '../../clients/client.ts';
import { instancesIn } from '../../clients/instances.ts';
import { tokenOf } from '../../net/principal.ts';
import type { Client } from './connection/client.ts';
import type { Parts } from './requests/request.ts';
import { shownNumber } from './session-id.ts';

export function connectedClient(client: Client, { context, options, tree, watches }: Parts): ConnectedClient {
  const { namespace } = options;
  const { session, address, sinceMs, caller } = client;
  return {
    ...{ key: client, namespace, address, sinceMs, via: 'zookeeper', accessorId: tokenOf(caller) },
    client: `session ${shownNumber(session.number)}`,
    instances: () => instancesIn(context.registry.state, namespace, session.id),
    *watches(): Generator<ClientWatch, void, undefined> {
      for (const path of watches.pathsOf(client)) {
        const place = tree.virtual.place(path);
        yield place?.kind === 'service' || place?.kind === 'providers' ? { kind: 'service', namespace, name: place.service } : { kind: 'znode', namespace, name: path };
      }
    },
  };
}
