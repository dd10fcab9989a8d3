/** Heartbeats: the write that every instance makes every few seconds. */

import { againstFloor } from '../against-floor.mjs';
import { call, startRollcall } from '../rollcall.mjs';

const instances = 100;

export const traffic = {
  async prepare({ url }) {
    for (let n = 0; n < instances; n++) {
      const body = { ID: `web-${n}`, Name: 'web', Port: 8080, Check: { TTL: '30s' } };
      await call(url, '/v1/agent/service/register', 'PUT', body);
    }
  },
  plan: { method: 'PUT', path: '/v1/agent/check/pass/service:web-#', numbers: instances },
};

export const row = {
  what: '`PUT /v1/agent/check/pass/:id`',
  target: '≥ 0.6 × bare `node:http` with an empty answer',
  async run({ quick }) {
    const server = await startRollcall();
    try {
      await traffic.prepare(server);
      const { plan } = traffic;
      const floor = ['empty'];
      const result = await againstFloor({ server, plan, floor, connections: 64, atLeast: 0.6, quick });
      return { ...result, detail: `heartbeats of ${instances} checks in turn; ${result.detail}` };
    } finally {
      await server.remove();
    }
  },
};
