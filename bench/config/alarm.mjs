/**
 * The row `alarm`: from the moment when instances with a new release become critical until all clients have the old release again. The
 * floor is a plain publication of a content of the same size to the same clients, in turn with it.
 */

import { fileURLToPath } from 'node:url';
import { nanoseconds, pause, startNode } from '../processes.mjs';
import { median, percentile, withSpread } from '../statistics.mjs';

/** All of them get the release, so that all have to come back. */
const plan = { stages: [{ percent: 100, bakeMs: 3_600_000 }], alarm: { on: ['unhealthy'], share: 0.1 } };

/** Clients tell the registry what they have applied within this time, which is no part of what is measured. */
const reportsMs = 2_500;

/** Ample: a round that takes longer has failed. */
const roundMsMax = 30_000;

/** @param say as in `run.mjs` */
export async function measureAlarm({ server, say, quick, contentOf }) {
  const count = quick ? 200 : 1_000;
  const rounds = quick ? 3 : 10;
  const sick = count / 10;
  const load = startNode('load', [fileURLToPath(new URL('alarm-clients.mjs', import.meta.url))]);
  let number = 0;
  const publish = async (rollout) => {
    await post(server, { content: contentOf(++number, 1_000), format: 'properties', ...(rollout === undefined ? {} : { rollout }) });
    return String(number);
  };
  /** Publishes, and waits until all clients have it. @returns milliseconds of each client */
  const published = async (rollout) => {
    const since = nanoseconds();
    const all = load.ask({ ask: 'applied', number: String(number + 1), since: String(since) });
    await publish(rollout);
    return (await within(all)).times;
  };
  try {
    await publish();
    await load.ask({ ask: 'connect', url: server.url, count });
    const [back, plain] = [{ times: [], lasts: [] }, { times: [], lasts: [] }];
    for (let round = 0; round < rounds; round++) {
      note(plain, await published());
      const old = String(number);
      await pause(reportsMs);
      await published({ name: 'next', plan });
      await pause(reportsMs);
      note(back, (await within(load.ask({ ask: 'alarm', number: old, sick }))).times);
      await load.ask({ ask: 'heal', sick });
      await pause(reportsMs);
    }
    say(
      `alarm → old release active in all ${count} clients, ${rounds} rounds; ${sick} instances become critical at the same moment`,
      '≤ 2,000 ms',
      `last client ${withSpread(back.lasts, 0)} ms, all clients p50 ${median(back.times).toFixed(0)} ms, p99 ${percentile(back.times, 0.99).toFixed(0)} ms; the floor, a plain publication of as many bytes to the same clients in turn: last client ${withSpread(plain.lasts, 0)} ms, p50 ${median(plain.times).toFixed(0)} ms, p99 ${percentile(plain.times, 0.99).toFixed(0)} ms`,
      quick ? undefined : Math.max(...back.lasts) <= 2_000,
    );
  } finally {
    await load.stop();
  }
}

function note(into, times) {
  into.times.push(...times);
  into.lasts.push(Math.max(...times));
}

async function within(answer) {
  const late = new Promise((_resolve, reject) => {
    setTimeout(() => reject(new Error(`the clients did not all have the content after ${roundMsMax / 1_000} s`)), roundMsMax).unref();
  });
  return Promise.race([answer, late]);
}

async function post({ url }, body) {
  const answer = await fetch(`${url}/rollcall/v1/config/publish?app=fleet&name=alarm.properties`, { method: 'POST', body: JSON.stringify(body) });
  const said = await answer.json();
  if (said.done !== true) throw new Error(`publishing: ${answer.status} ${JSON.stringify(said)}`);
}
