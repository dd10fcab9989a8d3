/** One change, ten thousand watchers: the time until the last of them gets it. */

import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { millisecondsBetween, nanoseconds, pause, startNode } from '../processes.mjs';
import { call, startRollcall } from '../rollcall.mjs';
import { median, percentile, withSpread } from '../statistics.mjs';

const client = fileURLToPath(new URL('../load/stream-watchers.mjs', import.meta.url));
const floorProgram = fileURLToPath(new URL('../floor/fan-out.mjs', import.meta.url));

export const row = {
  what: '10,000 stream watchers of one service, one change',
  target: 'all notified ≤ 150 ms after the commit, p99 over 50 changes',
  ifMissed:
    'the message is framed once and written straight to each socket, without compression, and pings wait meanwhile; of the time for a push, four fifths ' +
    'are its `write` system call, as in the floor, which has nothing else to do. Of the processor time above the floor, two thirds are pings, which the ' +
    'floor does not send, and their answers: one a second for each stream. Reading the messages takes the other core as long, and the ' +
    'longest times are those of turns in which one of the two cores does other work: the floor’s longest are above its median as well',
  async run({ quick }) {
    const count = quick ? 1_000 : 10_000;
    const rounds = quick ? 2 : 5;
    const changes = quick ? 5 : 10;
    const server = await startRollcall();
    const messages = join(server.folder, 'messages.json');
    let floor;
    try {
      for (let n = 0; n < 10; n++) await register(server, n, 0);
      const news = await oneMessage(server);
      const first = ['{"type":"welcome"}', '{"type":"watching"}', news];
      writeFileSync(messages, JSON.stringify({ first, news }));
      floor = startNode('server', [floorProgram, messages]);
      const { port } = await floor.next();
      const bare = { port, change: () => call(`http://127.0.0.1:${port}`, '/change', 'PUT') };
      let number = 1;
      const ours = { port: server.port, change: () => register(server, ++number % 10, number) };

      const bareTimes = [];
      const times = [];
      for (let round = 0; round < rounds; round++) {
        bareTimes.push(...(await measure(bare, count, changes)));
        times.push(...(await measure(ours, count, changes)));
      }
      const p99 = percentile(times, 0.99);
      return {
        measured: `${withSpread(times, 0)} ms`,
        floor: `${withSpread(bareTimes, 0)} ms`,
        result: `p99 ${p99.toFixed(0)} ms; median ${(median(times) / median(bareTimes)).toFixed(2)} × the floor`,
        met: p99 <= 150,
        detail:
          `from sending the change (its commit included) until the last of ${count} streams has the whole message of ` +
          `${news.length} bytes, ${times.length} changes in ${rounds} rounds in turn with the floor: bare \`node:http\` ` +
          'that writes the same bytes to as many sockets in a loop. All streams are read by one process on the other ' +
          'core, whose own time is part of both figures',
      };
    } finally {
      rmSync(messages, { force: true });
      await floor?.stop();
      await server.remove();
    }
  },
};

/** Opens the streams, makes the changes, and returns for each the time until the last stream got it, in milliseconds. */
async function measure({ port, change }, count, changes) {
  const watchers = startNode('load', [client]);
  const times = [];
  try {
    await watchers.ask({ ask: 'expect', count });
    await watchers.ask({ ask: 'connect', port, count, views: [['web']] });
    await watchers.ask({ ask: 'news' });
    for (let n = 0; n < changes; n++) {
      await pause(100);
      await watchers.ask({ ask: 'expect', count });
      const news = watchers.ask({ ask: 'news' });
      const started = nanoseconds();
      await change();
      times.push(millisecondsBetween(started, (await news).last));
    }
  } finally {
    await watchers.stop();
  }
  return times;
}

/** The push of one change to a stream. */
async function oneMessage(server) {
  const watcher = startNode('load', [client]);
  try {
    await watcher.ask({ ask: 'expect', count: 1 });
    await watcher.ask({ ask: 'connect', port: server.port, count: 1, views: [['web']] });
    await watcher.ask({ ask: 'news' });
    await watcher.ask({ ask: 'expect', count: 1 });
    await register(server, 1, 1);
    return (await watcher.ask({ ask: 'news' })).text;
  } finally {
    await watcher.stop();
  }
}

async function register(server, n, change) {
  const body = { ID: `web-${n}`, Name: 'web', Address: `10.0.0.${n}`, Port: 8080, Meta: { change: String(change) } };
  await call(server.url, '/v1/agent/service/register', 'PUT', body);
}
