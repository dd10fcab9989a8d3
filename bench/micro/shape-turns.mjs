/**
 * Measures how long requests hold the event loop when the state has an unusual shape: 50,000 configurations in one namespace, 10,000 contenders
 * of one lock, 100,000 children of one znode, and so on. Processor time of the main thread in the longest turn of the server's event loop,
 * from the first byte of a request to the end of its answer; the least of three rounds, of which each follows a change. The requests come from
 * another process.
 *
 *   npm run build && node bench/micro/shape-turns.mjs [SHAPE...]     all of them by default; an unknown name prints the list
 */

import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createServer, embedded } from '../../packages/server/dist/index.js';
import { longestTurn } from '../turn-meter.mjs';
import { shapes } from './shapes.mjs';

const limitMs = 50;
const rounds = 3;
const client = fileURLToPath(new URL('shape-client.mjs', import.meta.url));

const asked = process.argv.slice(2);
const unknown = asked.find((name) => !(name in shapes));
if (unknown !== undefined) {
  console.error(`there is no shape ${unknown}; there are ${Object.keys(shapes).join(', ')}`);
  process.exit(2);
}
for (const name of asked.length > 0 ? asked : Object.keys(shapes)) await measure(name, shapes[name]);

async function measure(name, { what, options = {}, fill, change, requests }) {
  const dir = mkdtempSync(join(tmpdir(), 'rollcall-shapes-'));
  const zero = { port: 0 };
  const server = await createServer({
    ...{ engine: embedded({ dir }), nodeName: 'server-1', history: { folder: join(dir, 'history') }, http: zero, dns: zero, grpc: zero, zookeeper: zero },
    ...options,
  });
  const child = fork(client, [], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const ask = (request) =>
    new Promise((resolve, reject) => {
      child.once('message', ({ error, ...answer }) => (error === undefined ? resolve(answer) : reject(new Error(`${request.name}: ${error}`))));
      child.send({ url: server.url, ports: server.ports, ...request });
    });
  const submit = async (commands) => {
    let waiting = [];
    for (const command of commands) {
      waiting.push(server.registry.submit(command));
      if (waiting.length < 500) continue;
      await Promise.all(waiting);
      waiting = [];
    }
    await Promise.all(waiting);
  };
  try {
    const filled = await longestTurn(() => fill({ submit, ask, server }));
    console.log(`${name}: ${what}\n  ${'filling it'.padEnd(62)} ${filled.turnMs.toFixed(0).padStart(6)} ms of a turn ${filled.wallMs.toFixed(0).padStart(8)} ms`);
    for (const request of requests(server)) {
      let least;
      for (let round = 0; round < (request.once === true ? 1 : rounds) && (least?.turnMs ?? Infinity) > limitMs / 2; round++) {
        await change?.({ submit, ask, server, round });
        const next = await longestTurn(() => ask(request)).catch((error) => error);
        if (next instanceof Error) {
          console.log(`  ${next.message}`);
          break;
        }
        if (least === undefined || next.turnMs < least.turnMs) least = next;
      }
      if (least === undefined) continue;
      const { turnMs, wallMs, result } = least;
      console.log(`  ${request.name.padEnd(62)} ${turnMs.toFixed(0).padStart(6)} ms of a turn ${wallMs.toFixed(0).padStart(8)} ms ${String(result.bytes).padStart(10)} bytes${turnMs > limitMs ? '   over the limit' : ''}`);
    }
  } finally {
    child.kill();
    await server.close();
    rmSync(dir, { recursive: true, force: true });
  }
}
