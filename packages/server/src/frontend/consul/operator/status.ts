/** `/v1/status/`: the leader. Each Rollcall server reports itself as the leader. */

import type { Call } from '../request/call.ts';
import { jsonBody } from '../request/query.ts';
import { leaderAddress } from '../request/server-identity.ts';
import type { Reply } from '../wire/reply.ts';

/** `GET /v1/status/leader` */
export function leader({ context, params }: Call): Reply {
  return jsonBody(params)(leaderAddress(context.identity));
}

/** `GET /v1/status/peers` */
export function peers({ context, params }: Call): Reply {
  return jsonBody(params)([leaderAddress(context.identity)]);
}
