/** Reading a key. */

import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { againstFloor } from '../against-floor.mjs';
import { call, sentHeaders, startRollcall } from '../rollcall.mjs';

const keys = 1_000;
const valueBytes = 1_024;

export const traffic = {
  async prepare({ url }) {
    for (let key = 0; key < keys; key++) {
      const body = 'x'.repeat(valueBytes);
      const put = await fetch(`${url}/v1/kv/config/app-${key}`, { method: 'PUT', body });
      if ((await put.text()) !== 'true') throw new Error(`key ${key} was not written: ${put.status}`);
    }
  },
  plan: { method: 'GET', path: '/v1/kv/config/app-#', numbers: keys },
};

export const row = {
  what: '`GET /v1/kv/:key`, 1 KB, 64 connections',
  target: '≥ 0.6 × bare `node:http` sending the same bytes',
  async run({ quick }) {
    const server = await startRollcall();
    const answer = join(server.folder, 'answer.json');
    try {
      await traffic.prepare(server);
      const { headers, text } = await call(server.url, '/v1/kv/config/app-0');
      writeFileSync(answer, JSON.stringify({ headers: sentHeaders(headers), body: text }));
      const { plan } = traffic;
      const result = await againstFloor({ server, plan, floor: ['same-bytes', answer], connections: 64, atLeast: 0.6, quick });
      return { ...result, detail: `${keys} keys in turn, ${text.length} bytes an answer; ${result.detail}` };
    } finally {
      rmSync(answer, { force: true });
      await server.remove();
    }
  },
};
