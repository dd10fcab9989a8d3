/** Reading a service's healthy instances: the most frequent request of Consul clients. */

import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { registerWeb } from '../acl.mjs';
import { againstFloor } from '../against-floor.mjs';
import { call, sentHeaders, startRollcall } from '../rollcall.mjs';

export const row = {
  what: '`GET /v1/health/service/:s?passing`, 10 instances',
  target: '≥ 0.7 × bare `node:http` sending the same bytes',
  async run({ quick }) {
    const server = await startRollcall();
    const answer = join(server.folder, 'answer.json');
    try {
      await registerWeb(server);
      const path = '/v1/health/service/web?passing';
      const { headers, text } = await call(server.url, path);
      writeFileSync(answer, JSON.stringify({ headers: sentHeaders(headers), body: text }));
      const plan = { method: 'GET', path };
      const floor = ['same-bytes', answer];
      const result = await againstFloor({ server, plan, floor, connections: 64, atLeast: 0.7, quick });
      return { ...result, detail: `${text.length} bytes an answer; ${result.detail}` };
    } finally {
      rmSync(answer, { force: true });
      await server.remove();
    }
  },
};
