import { expect, test } from 'vitest';
import { RegistryError } from '@rollcall/protocol';
import type { Link } from './cluster/channel/link.ts';
import type { Methods, Peer } from './cluster/channel/peer.ts';
import { processesOfPrimary, processesOfWorker, type OwnProcess } from './all-processes.ts';
import { manualClock } from './manual-clock.case.ts';
import { Metrics } from './telemetry/metrics.ts';

/** A connection whose other end serves these methods. */
function connected(methods: Methods): Peer & Link {
  const call = async (method: string, body: Buffer) => {
    const found = methods[method];
    if (found?.kind !== 'answer') throw new RegistryError('unimplemented', method);
    return found.run(body, new AbortController().signal);
  };
  return { call } as unknown as Peer & Link;
}

const processWith = (requests: number): OwnProcess => {
  const metrics = new Metrics();
  for (let at = 0; at < requests; at++) metrics.request('/v1/kv', 200);
  const status = () => ({ process: `process ${requests}`, pid: requests, ready: true, revision: 0, liveness: { frozen: false, held: 0, share: 0 } });
  return { metrics, status };
};

const never = { call: () => new Promise(() => {}) } as unknown as Peer;
const gone = { call: () => Promise.reject(new RegistryError('unavailable', 'gone')) } as unknown as Peer;

test('a worker shows what concerns all processes, by way of the primary', async () => {
  const clock = manualClock();
  const workers = new Map<string, Peer>();
  const primary = processesOfPrimary(processWith(1), clock, () => workers);
  const one = processesOfWorker(processWith(2), connected(primary.methods));
  const two = processesOfWorker(processWith(4), connected(primary.methods));
  workers.set('one', connected(one.methods)).set('two', connected(two.methods)).set('gone', gone);
  for (const each of [one, two, primary]) {
    const named = (await each.statuses()).map(({ process: name, ready }) => [name, ready]);
    expect(named).toEqual([['process 1', true], ['process 2', true], ['process 4', true], ['worker gone', false]]);
  }
  for (const each of [one, two, primary]) expect(await each.metricsPage()).toContain('rollcall_http_requests_total{route="/v1/kv",status="200"} 7\n');
});

test('a worker that does not answer is not ready after 2 s', async () => {
  const clock = manualClock();
  const primary = processesOfPrimary(processWith(1), clock, () => new Map([['frozen', never]]));
  const statuses = primary.statuses();
  clock.advance(2_000);
  expect((await statuses).map(({ ready }) => ready)).toEqual([true, false]);
});

test('a worker shows nothing while the primary is away: an error says so', async () => {
  const alone = processesOfWorker(processWith(1), gone as unknown as Link);
  await expect(alone.metricsPage()).rejects.toMatchObject({ code: 'unavailable' });
  expect(await alone.statuses()).toMatchObject([{ process: 'process 1' }]);
});
