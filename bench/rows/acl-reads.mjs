/** The cost of access control for reads. */

import { registerWeb, startWithPolicies } from '../acl.mjs';
import { againstFloor } from '../against-floor.mjs';
import { startRollcall } from '../rollcall.mjs';

const policies = 100;

export const row = {
  what: `\`GET /v1/health/service/:s?passing\` with a token that has ${policies} policies, 10 instances`,
  target: '≥ 0.9 × the same request without access control',
  async run({ quick }) {
    const open = await startRollcall();
    let server;
    try {
      await registerWeb(open);
      const secured = await startWithPolicies(policies);
      server = secured.server;
      // The open server gets the same bytes, and does not look at the token.
      const plan = { method: 'GET', path: '/v1/health/service/web?passing', headers: { 'X-Consul-Token': secured.token } };
      return await againstFloor({ server, plan, floor: open, connections: 64, atLeast: 0.9, quick });
    } finally {
      await open.remove();
      await server?.remove();
    }
  },
};
