/** Reads of a node on etcd beside those of a node with the embedded engine, in turns. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { load } from '../../http-load.mjs';
import { canPin } from '../../processes.mjs';
import { call, startRollcall } from '../../rollcall.mjs';
import { median, withSpread } from '../../statistics.mjs';
import { onEtcd } from '../harness.mjs';

const limit = 0.9;
const instances = 10;

export const row = {
  what: 'reads of a node on etcd, one core',
  target: 'within 10 % of the embedded engine',
  async run({ quick }) {
    const folder = mkdtempSync(join(tmpdir(), 'rollcall-bench-'));
    const embedded = await startRollcall(folder);
    try {
      return await onEtcd(canPin ? { nodes: 1, core: 0 } : { nodes: 1 }, async ({ nodes: [node] }) => {
        for (const url of [embedded.url, node.url]) {
          for (let number = 0; number < instances; number++) {
            await call(url, '/v1/agent/service/register', 'PUT', { ID: `web-${number}`, Name: 'web', Port: 8_000 + number });
          }
        }
        const plan = { method: 'GET', path: '/v1/health/service/web?passing' };
        const shape = { connections: 32, seconds: quick ? 2 : 4 };
        const ratios = [];
        const rates = { embedded: [], etcd: [] };
        await load(embedded.url, plan, shape);
        await load(node.url, plan, shape);
        for (let round = 0; round < (quick ? 3 : 7); round++) {
          const own = await load(embedded.url, plan, shape);
          const shared = await load(node.url, plan, shape);
          rates.embedded.push(own);
          rates.etcd.push(shared);
          ratios.push(shared / own);
        }
        return {
          met: median(ratios) >= limit,
          measured: `${withSpread(ratios, 2)} × (${median(rates.etcd).toFixed(0)} and ${median(rates.embedded).toFixed(0)} a second)`,
          detail: `GET of a service of ${instances} instances over 32 connections, in turns of ${shape.seconds} s, both servers on one core`,
        };
      });
    } finally {
      await embedded.remove();
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
