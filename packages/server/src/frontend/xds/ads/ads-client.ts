/** A client of xDS as lists of clients show it: what its node says of itself, the services that it asks for, and its load reports. */

import type { ClientPicks, ClientWatch } from '@rollcall/protocol';
import type { ConnectedClient } from '../../../clients/client.ts';
import { tokenOf } from '../../../net/principal.ts';
import type { Caller } from '../../../security/acl.ts';
import type { Target } from '../resources/names.ts';
import type { NodeInfo } from '../wire/messages.ts';

export interface AdsClientOptions {
  readonly key: object;
  readonly node: NodeInfo;
  /** Namespace of names without one. */
  readonly home: string;
  readonly caller: Caller;
  readonly address: string;
  readonly sinceMs: number;
  readonly targets: () => Iterable<Target>;
  /** Whether it asks for all clusters. */
  readonly wantsAll: boolean;
  readonly picks: () => Iterable<ClientPicks>;
}

export function adsClient({ key, node, home, caller, address, sinceMs, targets, wantsAll, picks }: AdsClientOptions): ConnectedClient {
  return {
    ...{ key, namespace: home, address, sinceMs, picks, via: 'xds', accessorId: tokenOf(caller) },
    client: node.id || 'a client of xDS',
    version: node.agent,
    *watches(): Generator<ClientWatch, void, undefined> {
      if (wantsAll) yield { kind: 'services', namespace: home, name: '' };
      // A service may have several resources: its canary, its ports.
      const seen = new Set<string>();
      for (const { namespace, service } of targets()) {
        const of = `${namespace}\0${service}`;
        if (seen.has(of)) continue;
        seen.add(of);
        yield { kind: 'service', namespace, name: service };
      }
    },
  };
}
