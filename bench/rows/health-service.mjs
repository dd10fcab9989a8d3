/** Reading a service's healthy instances: the most frequent request of Consul clients. */

import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { registerWeb } from '../acl.mjs';
import { againstFloor } from '../against-floor.mjs';
import { call, sentHeaders, startRollcall } from '../rollcall.mjs';

export const traffic = {
  prepare: registerWeb,
  plan: { method: 'GET', path: '/v1/health/service/web?passing' },
};

export const row = {
  what: '`GET /v1/health/service/:s?passing`, 10 instances',
  target: '≥ 0.7 × bare `node:http` sending the same bytes',
  async run({ quick }) {
    const server = await startRollcall();
    const answer = join(server.folder, 'answer.json');
    try {
      const { prepare, plan } = traffic;
      await prepare(server);
      const { headers, text } = await call(server.url, plan.path);
      writeFileSync(answer, JSON.stringify({ headers: sentHeaders(headers), body: text }));
      const floor = ['same-bytes', answer];
      const result = await againstFloor({ server, plan, floor, connections: 64, atLeast: 0.7, quick });
      return { ...result, detail: `${text.length} bytes an answer; ${result.detail}` };
    } finally {
      rmSync(answer, { force: true });
      await server.remove();
    }
  },
};
