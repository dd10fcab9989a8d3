/** Registrations through one node on etcd beside puts of the same size by etcd's own load generator, in turns on one cluster. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { buildEtcd } from '../../../conformance/etcd/build.mjs';
import { load } from '../../http-load.mjs';
import { median, withSpread } from '../../statistics.mjs';
import { onEtcd } from '../harness.mjs';

const limit = 0.7;
const connections = 64;

export const row = {
  what: 'registrations through 1 node on etcd',
  target: `≥ ${limit} × etcd's own benchmark client, puts of the same size`,
  async run({ quick }) {
    const { programs, problem } = buildEtcd('benchmark');
    if (problem !== undefined) throw new Error(problem);
    return onEtcd({ nodes: 1, direct: true }, async ({ nodes: [node], etcd }) => {
      const seconds = quick ? 3 : 8;
      const plan = (round) => ({ method: 'PUT', path: '/v1/agent/service/register', body: `{"ID":"web-${round}-%","Name":"web","Port":8080,"Tags":["v1"],"Check":{"TTL":"30s","Status":"passing"}}` });
      const shape = { connections, seconds, role: 'anywhere' };
      await load(node.url, plan('first'), shape);
      const bytes = await bytesOfOne(etcd, node.url);
      const ratios = [];
      const rates = { rollcall: [], etcd: [] };
      for (let round = 0; round < (quick ? 3 : 5); round++) {
        // Each round has new names: an unchanged registration would not be written again.
        const own = await load(node.url, plan(round), shape);
        const total = Math.max(2_000, Math.round((rates.etcd[0] ?? 2_000) * seconds));
        const args = ['put', '--endpoints', etcd.urls.join(), '--conns', '8', '--clients', String(connections), '--total', String(total), '--key-size', '32', '--val-size', String(bytes), '--key-space-size', '100000', '--sequential-keys'];
        const { stdout } = await promisify(execFile)(programs.benchmark, args, { maxBuffer: 1e8 });
        const puts = Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]);
        if (!(puts > 0)) throw new Error(`the benchmark said: ${stdout.slice(-500)}`);
        rates.rollcall.push(own);
        rates.etcd.push(puts);
        ratios.push(own / puts);
      }
      return {
        met: median(ratios) >= limit,
        measured: `${withSpread(ratios, 2)} × (${median(rates.rollcall).toFixed(0)} registrations, ${median(rates.etcd).toFixed(0)} puts a second)`,
        detail: `${connections} connections each, one service with tag and TTL check a registration, ${bytes} bytes in the store; etcd's benchmark writes values of as many bytes to the same three members, which do not flush to disk, over the same kind of connection; node, members and load share the cores`,
      };
    });
  },
};

/** Bytes of values that one registration leaves in etcd: its instance and its check. */
async function bytesOfOne(etcd, url) {
  const base64 = (text) => Buffer.from(text).toString('base64');
  const body = JSON.stringify({ key: base64('rollcall/'), range_end: base64('rollcall0') });
  const answer = await fetch(`${etcd.urls[0]}/v3/kv/range`, { method: 'POST', body });
  const { kvs } = await answer.json();
  const [{ ServiceID }] = await (await fetch(`${url}/v1/catalog/service/web`)).json();
  const own = kvs.filter(({ key }) => /[\0:]([^\0:]*)$/.exec(Buffer.from(key, 'base64').toString())?.[1] === ServiceID);
  if (own.length === 0) throw new Error(`etcd has no record of ${ServiceID}`);
  return own.reduce((sum, { value = '' }) => sum + Buffer.from(value, 'base64').length, 0);
}
