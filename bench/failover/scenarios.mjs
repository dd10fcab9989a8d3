/**
 * Faults of five backends while a caller sends 1,000 requests a second, with the allowed errors. Each
 * scenario gets the running parts and returns after its fault; the caller's run continues.
 */

import { pause } from '../processes.mjs';

export const perSecond = 1_000;

/** Warm-up: caches and compiled code, as in a process that has run for a while. */
export const warmUp = { perSecond: 500, seconds: 2 };

export const scenarios = [
  {
    name: 'nothing happens',
    seconds: 6,
    harm: async () => {},
    target: '0 failed',
    met: ({ failed }) => failed === 0,
  },
  {
    name: 'kill -9 of 1 of 5, GET',
    seconds: 6,
    harm: async ({ backends }) => void (await backends[0].stop('SIGKILL')),
    target: '0 failed',
    met: ({ failed }) => failed === 0,
  },
  {
    name: 'kill -9 of 1 of 5, POST',
    seconds: 6,
    method: 'POST',
    harm: async ({ backends }) => void (await backends[0].stop('SIGKILL')),
    target: '≤ 1 failed per open connection',
    // Open connections to one backend: about its requests in flight, 1,000/s × 5 ms ÷ 5, and what bursts left open.
    met: ({ failed }, { openConnections }) => failed <= openConnections,
  },
  {
    name: 'SIGSTOP of 1 of 5',
    seconds: 8,
    async harm({ backends, atEnd }) {
      process.kill(backends[0].pid, 'SIGSTOP');
      atEnd(() => process.kill(backends[0].pid, 'SIGCONT'));
    },
    target: '0 failed, p99.9 ≤ 300 ms',
    met: ({ failed, p999 }) => failed === 0 && p999 <= 300,
  },
  {
    name: 'one backend slow (1 s)',
    seconds: 8,
    harm: async ({ backends }) => void (await backends[0].ask({ slowMs: 1_000 })),
    target: '0 failed, p99 ≤ 100 ms',
    met: ({ failed, p99 }) => failed === 0 && p99 <= 100,
  },
  {
    name: 'rolling restart of all',
    seconds: 14,
    async harm({ backends, startBackend }) {
      for (let n = 0; n < backends.length; n++) {
        const replacement = await startBackend(n + backends.length);
        await backends[n].stop('SIGTERM');
        backends[n] = replacement;
        await pause(500);
      }
    },
    target: '0 failed',
    met: ({ failed }) => failed === 0,
  },
  {
    name: 'registry down for 60 s, a backend dies meanwhile',
    seconds: 66,
    quickSeconds: 16,
    async harm({ server, backends, quick }) {
      await server.stop();
      await pause(2_000);
      await backends[0].stop('SIGKILL');
      await pause(quick ? 8_000 : 58_000);
      await server.restart();
    },
    target: '0 failed',
    met: ({ failed }) => failed === 0,
  },
  {
    name: 'all backends down',
    seconds: 8,
    async harm({ backends }) {
      // At first still registered, as far as the caller can know: connections are refused at once.
      await Promise.all(backends.map((backend) => backend.stop('SIGKILL')));
    },
    target: 'retries ≤ 0.2 × requests, warm-up included',
    // Waits until the retries that the warm-up earned have left the budget's window of ten seconds.
    met: ({ sent, events }) => (events.retry ?? 0) / (sent + warmUp.perSecond * warmUp.seconds) <= 0.2,
  },
];

const byName = (name) => scenarios.find((scenario) => scenario.name === name);

/** Scenarios that other clients play, too. Those with a fixed list of addresses get restarts on the same ports. */
export const compared = [
  { ...byName('kill -9 of 1 of 5, GET'), seconds: 5 },
  { ...byName('SIGSTOP of 1 of 5'), seconds: 6 },
  { ...byName('one backend slow (1 s)'), seconds: 6 },
  {
    name: 'rolling restart on the same ports',
    seconds: 14,
    async harm({ backends, ports, startBackend }) {
      for (let n = 0; n < backends.length; n++) {
        await backends[n].stop('SIGTERM');
        backends[n] = await startBackend(n, ports[n]);
        await pause(500);
      }
    },
    target: '0 failed',
    met: ({ failed }) => failed === 0,
  },
  {
    name: 'kill -9 of 4 of 5',
    seconds: 6,
    harm: async ({ backends }) => void (await Promise.all(backends.slice(1).map((backend) => backend.stop('SIGKILL')))),
    target: '≤ 1 % failed',
    met: ({ failed, sent }) => failed <= sent / 100,
  },
  {
    name: 'a caller with 0.2 of a core, 400 requests a second',
    seconds: 6,
    cpu: 0.2,
    perSecond: 400,
    harm: async () => {},
    target: 'no worse than undici round robin',
    met: () => true,
  },
];
