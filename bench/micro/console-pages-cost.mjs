/**
 * What an open page of the console asks of a server while nothing changes: requests a second, their bytes, and the processor time of the server, in a process of its own. Every page is opened in
 * Chromium on the registry of the demo, which has a rollout under way. What a page asks when it is opened is not counted. It holds nothing to a limit.
 *
 *   npm run build && node bench/micro/console-pages-cost.mjs [seconds]
 */

import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { findProgram } from '../../conformance/install-debian.mjs';
import { fill } from '../../packages/console/demo/fill.mjs';
import { createServer } from '../../packages/server/dist/index.js';

const self = fileURLToPath(import.meta.url);
const seconds = Number(process.argv[2] ?? 8);
const settleMs = 2_000;
const pages = ['', 'services', 'services/web', 'nodes', 'config', ['config/default/', '/rollout'], 'flags', 'locks', 'keys', 'topology', 'clients', 'activity', 'access', 'cluster'];

if (process.send === undefined) await measure();
else await serve();

async function serve() {
  const server = await createServer({ nodeName: 'registry-1', http: { port: 0 } });
  const end = await fill(server.url);
  const { rollouts } = await (await fetch(`${server.url}/rollcall/v1/config/pending`)).json();
  process.on('message', (asked) => {
    if (asked === 'cpu') process.send(process.cpuUsage());
    if (asked === 'end') void end().then(() => process.exit(0));
  });
  process.send({ url: server.url, rollout: rollouts[0] });
}

async function measure() {
  const child = fork(self, process.argv.slice(2));
  const heard = () => new Promise((resolve) => child.once('message', resolve));
  const { url, rollout } = await heard();
  const cpu = async () => {
    child.send('cpu');
    const { user, system } = await heard();
    return (user + system) / 1_000;
  };
  const rest = (ms) => new Promise((done) => setTimeout(done, ms));
  const idleMs = async () => {
    const before = await cpu();
    await rest(seconds * 1_000);
    return ((await cpu()) - before) / seconds;
  };
  await rest(settleMs);
  console.log(`without a page: ${(await idleMs()).toFixed(1)} ms CPU a second`);
  const browser = await chromium.launch({ executablePath: findProgram('chromium'), args: ['--disable-gpu', ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])] });
  for (const path of pages) {
    const shown = typeof path === 'string' ? path : `config/${rollout.environment}/${rollout.app}/${rollout.name}/rollout`;
    const page = await browser.newPage();
    const session = await page.context().newCDPSession(page);
    await session.send('Network.enable');
    const paths = new Map();
    let [requests, bytes, frames] = [0, 0, 0];
    session.on('Network.requestWillBeSent', ({ request }) => {
      requests++;
      const name = new URL(request.url).pathname;
      paths.set(name, (paths.get(name) ?? 0) + 1);
    });
    session.on('Network.loadingFinished', ({ encodedDataLength }) => (bytes += encodedDataLength));
    session.on('Network.webSocketFrameReceived', () => frames++);
    await page.goto(`${url}/ui/${shown}`);
    await page.locator('main[aria-busy=false]').waitFor();
    await rest(settleMs);
    [requests, bytes, frames] = [0, 0, 0];
    paths.clear();
    const ms = await idleMs();
    const most = [...paths].map(([name, count]) => `${name} ${(count / seconds).toFixed(1)}`).join(', ');
    console.log(`/ui/${typeof path === 'string' ? path : '… rollout'}: ${(requests / seconds).toFixed(1)} requests and ${Math.round(bytes / seconds)} bytes a second, ${(frames / seconds).toFixed(1)} frames, ${ms.toFixed(1)} ms CPU a second (${most})`);
    await page.close();
  }
  await browser.close();
  child.send('end');
}
