/** `/v1/status/`: who leads. A Rollcall server is its own leader; its engine knows how to agree. */

import type { Identity } from '../../net/frontend.ts';
import type { Call, Reply } from './call.ts';
import { jsonBody } from './query.ts';
import { serverPort } from './virtual-agent.ts';

/** `GET /v1/status/leader` */
export function leader({ context, params }: Call): Reply {
  return jsonBody(params)(leaderAddress(context.identity));
}

/** `GET /v1/status/peers` */
export function peers({ context, params }: Call): Reply {
  return jsonBody(params)([leaderAddress(context.identity)]);
}

/** Also `Stats.consul.leader_addr` of `agent/self`, which tools compare with it. */
export function leaderAddress({ address }: Identity): string {
  return `${address.includes(':') ? `[${address}]` : address}:${serverPort}`;
}
