/** The welcome of a stream: what the client must know of this server, and what it may ask of it. */

import { streamProtocol, type WelcomeFrame } from '@rollcall/protocol';
import type { Context } from '../../net/frontend.ts';

/** Pause between two reports of a client about its picks. */
const pickReportMs = 10_000;

type Greeted = Pick<WelcomeFrame, 'id' | 'node' | 'resumed' | 'graceMs' | 'pingMs'> & { readonly namespace: string };

export function welcome({ identity, registry }: Pick<Context, 'identity' | 'registry'>, { id, ...greeted }: Greeted): WelcomeFrame {
  const { staleMs } = registry;
  return {
    ...{ type: 'welcome', id, protocol: streamProtocol, registry: identity.registryId },
    server: { name: identity.nodeName, version: identity.version },
    ...greeted,
    pickReportMs,
    ...(staleMs === 0 ? {} : { staleMs }),
  };
}
