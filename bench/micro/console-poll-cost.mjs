/**
 * What an open page of services costs a server with 3,000 services: a page asks once a second by the ETag that it has. The CPU time of the server, in a process of its own, while nothing
 * changes, and while one instance changes each second; without pages and with 50.
 *
 *   npm run build && node bench/micro/console-poll-cost.mjs [services] [pages] [seconds]
 */

import { fork } from 'node:child_process';
import { Agent, get } from 'node:http';
import { fileURLToPath } from 'node:url';
import { createServer } from '../../packages/server/dist/index.js';

const self = fileURLToPath(import.meta.url);
const services = Number(process.argv[2] ?? 3_000);
const pages = Number(process.argv[3] ?? 50);
const seconds = Number(process.argv[4] ?? 10);

if (process.send === undefined) await measure();
else await serve();

async function serve() {
  const server = await createServer({ http: { port: 0 } });
  for (let at = 0; at < services; at++) {
    await server.registry.submit({ kind: 'register', namespace: 'default', node: { name: `n${at % 100}`, address: '10.0.0.1' }, nodeMode: 'ensure', instances: [1, 2, 3].map((each) => ({ id: `i${at}-${each}`, service: `service-${at}` })), checks: [{ id: `c${at}`, name: 'c', instance: `i${at}-1`, status: 'passing' }] });
  }
  let status = 'passing';
  process.on('message', (asked) => {
    if (asked === 'cpu') process.send(process.cpuUsage());
    if (asked === 'change') void server.registry.submit({ kind: 'update-checks', updates: [{ namespace: 'default', node: 'n0', id: 'c0', status: (status = status === 'passing' ? 'critical' : 'passing') }] });
    if (asked === 'end') process.exit(0);
  });
  process.send({ url: server.url });
}

async function measure() {
  const child = fork(self, process.argv.slice(2));
  const heard = () => new Promise((resolve) => child.once('message', resolve));
  const { url } = await heard();
  const cpu = async () => {
    child.send('cpu');
    const { user, system } = await heard();
    return (user + system) / 1_000;
  };
  const agent = new Agent({ keepAlive: true });
  let bytes = 0;
  let answers = 0;
  const poll = (page) => new Promise((resolve, reject) => {
    get(`${url}/rollcall/v1/health`, { agent, headers: { 'accept-encoding': 'gzip', ...(page.tag === '' ? {} : { 'if-none-match': page.tag }) } }, (response) => {
      answers++;
      page.tag = response.headers.etag ?? '';
      response.on('data', (chunk) => (bytes += chunk.length)).on('end', resolve);
    }).on('error', reject);
  });
  const run = async (count, changes) => {
    const open = Array.from({ length: count }, () => ({ tag: '' }));
    for (const page of open) await poll(page);
    [bytes, answers] = [0, 0];
    const before = await cpu();
    for (let second = 0; second < seconds; second++) {
      const began = performance.now();
      if (changes) child.send('change');
      for (const page of open) await poll(page);
      await new Promise((done) => setTimeout(done, Math.max(0, 1_000 - (performance.now() - began))));
    }
    return { ms: ((await cpu()) - before) / seconds, bytes: answers === 0 ? 0 : Math.round(bytes / answers) };
  };
  await run(1, true);
  for (const changes of [false, true]) {
    const none = await run(0, changes);
    const one = await run(1, changes);
    const many = await run(pages, changes);
    console.log(`${changes ? 'one change a second' : 'nothing changes'}: ${none.ms.toFixed(1)} ms CPU a second without a page, ${one.ms.toFixed(1)} with one, ${many.ms.toFixed(1)} with ${pages}; each further page ${((many.ms - one.ms) / (pages - 1)).toFixed(2)} ms and ${many.bytes} bytes a second`);
  }
  child.send('end');
}
