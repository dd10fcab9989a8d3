/** `/v1/status/`: the servers, and the one that clients take for their leader. */

import type { Call } from '../request/call.ts';
import { jsonBody } from '../request/query.ts';
import { serversOf } from '../request/servers.ts';
import type { Reply } from '../wire/reply.ts';

/** `GET /v1/status/leader` */
export function leader({ context, params }: Call): Reply {
  return jsonBody(params)(serversOf(context)[0]?.address ?? '');
}

/** `GET /v1/status/peers` */
export function peers({ context, params }: Call): Reply {
  return jsonBody(params)(serversOf(context).map(({ address }) => address));
}
