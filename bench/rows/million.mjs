/** The largest supported registry: its memory, the time of a restart, and the delay of a change. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { millisecondsBetween, nanoseconds, pause } from '../processes.mjs';
import { call, startRollcall } from '../rollcall.mjs';
import { median, percentile, withSpread } from '../statistics.mjs';

const fillProgram = fileURLToPath(new URL('../load/fill-store.mjs', import.meta.url));
const limitMs = 50;
const service = 'service-7';

export const row = {
  what: '1,000,000 instances in 10,000 services, a check each',
  target: `a change reaches a watcher ≤ ${limitMs} ms, p99`,
  async run({ quick }) {
    const [instances, services, nodes] = quick ? [50_000, 500, 500] : [1_000_000, 10_000, 10_000];
    const folder = mkdtempSync(join(tmpdir(), 'rollcall-bench-'));
    execFileSync(process.execPath, [fillProgram, folder, instances, services, nodes].map(String), { stdio: 'inherit' });
    let server;
    try {
      const restarts = [];
      for (let round = 0; round < (quick ? 1 : 3); round++) {
        await server?.stop();
        const started = nanoseconds();
        server = await startRollcall(folder);
        restarts.push(millisecondsBetween(started, nanoseconds()));
      }
      const { text } = await call(server.url, '/v1/catalog/services');
      const listed = Object.keys(JSON.parse(text)).filter((name) => name.startsWith('service-')).length;
      if (listed !== services) throw new Error(`${listed} of ${services} services after the restart`);
      await pause(5_000);
      const restartedMegabytes = server.residentBytes() / 1e6;
      const client = makeClient(server.port);
      const idle = await times(quick ? 100 : 500, () => client.get('/healthz'));
      const reads = await times(quick ? 20 : 100, () => client.get(`/v1/health/service/${service}?passing`));
      const changes = await watchChanges(client, quick ? 50 : 300);
      const scrapes = await times(3, () => client.get('/metrics'));
      client.close();
      const p99 = percentile(changes, 0.99);
      return {
        measured: `p50 ${median(changes).toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, worst ${Math.max(...changes).toFixed(1)} ms`,
        floor: `${percentile(idle, 0.99).toFixed(1)} ms, p99 of /healthz`,
        result: `p99 ${p99.toFixed(1)} ms; ${restartedMegabytes.toFixed(0)} MB; restart ${(median(restarts) / 1_000).toFixed(1)} s`,
        met: p99 <= limitMs,
        detail:
          `${instances} instances with two tags, a meta pair and a check each, on ${nodes} nodes, ${instances / services} of them in a service; filled through the registry's commands. ` +
          `Change: from sending the registration of an instance with new metadata until a blocking query of its service has its whole answer, ${changes.length} changes in turn. ` +
          `Restart: from starting the process until /readyz answers 200, ${withSpread(restarts, 0)} ms. Resident set after it, all services listed once: ${restartedMegabytes.toFixed(0)} MB; ${(server.residentBytes() / 1e6).toFixed(0)} MB at the end. ` +
          `GET of the service: p50 ${median(reads).toFixed(1)} ms, p99 ${percentile(reads, 0.99).toFixed(1)} ms; /metrics ${withSpread(scrapes, 0)} ms. ` +
          'Node with its default heap limit',
      };
    } finally {
      await server?.remove();
    }
  },
};

/** Each change is sent before the next one is made. */
async function watchChanges(client, count) {
  let { index, body } = await client.get(`/v1/health/service/${service}`);
  const { Node, Service } = JSON.parse(body)[0];
  const took = [];
  for (let n = 0; n < count; n++) {
    const news = client.get(`/v1/health/service/${service}?index=${index}&wait=60s`);
    await pause(20);
    const version = `1.1.${n}`;
    const registration = { Node: Node.Node, Address: Node.Address, SkipNodeUpdate: true, Service: { ...Service, Meta: { version } } };
    const sent = nanoseconds();
    await Promise.all([
      client.put('/v1/catalog/register', registration),
      news.then((answer) => {
        took.push(millisecondsBetween(sent, nanoseconds()));
        ({ index, body } = answer);
      }),
    ]);
    if (!body.includes(`"${version}"`)) throw new Error(`the answer has not the version ${version}`);
  }
  return took;
}

async function times(count, action) {
  const took = [];
  for (let n = 0; n < count; n++) {
    const started = nanoseconds();
    await action();
    took.push(millisecondsBetween(started, nanoseconds()));
  }
  return took;
}

/** Connections that stay open, with the least work in this process. */
function makeClient(port) {
  const agent = new Agent({ keepAlive: true });
  const send = (method, path, json) =>
    new Promise((resolve, reject) => {
      const sent = request({ host: '127.0.0.1', port, agent, method, path }, (response) => {
        const chunks = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('end', () => {
          const body = Buffer.concat(chunks).toString();
          if (response.statusCode !== 200) reject(new Error(`${method} ${path}: ${response.statusCode} ${body}`));
          else resolve({ index: response.headers['x-consul-index'], body });
        });
      });
      sent.on('error', reject);
      sent.end(json === undefined ? undefined : JSON.stringify(json));
    });
  return {
    get: (path) => send('GET', path),
    put: (path, json) => send('PUT', path, json),
    close: () => agent.destroy(),
  };
}
