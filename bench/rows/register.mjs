/** Registrations that change something every time, acknowledged once they are on disk. */

import { againstFloor } from '../against-floor.mjs';
import { startRollcall } from '../rollcall.mjs';

const instances = 10_000;

export const row = {
  what: '`PUT /v1/agent/service/register`, durable, 64 connections',
  target: '≥ 0.35 × bare `node:http` that parses the same body and answers',
  ifMissed:
    'at commit e5595fd (0.30 ×, 38.5 µs) the profile was flat: a quarter of the time was system calls for sockets and the log, ' +
    'a twelfth garbage collection, and no function of ours took more than 3 %. A server of commit 58fb96e and this one, in alternating ' +
    'rounds, took the same processor time within 1 %. The thread that writes the log shares the one core',
  async run({ quick }) {
    const server = await startRollcall();
    try {
      const body = JSON.stringify({
        ID: 'web-#',
        Name: 'web-#',
        Address: '10.0.0.1',
        Port: 8080,
        Tags: ['v1', 'primary'],
        // Differs in every request, so that each one is a write.
        Meta: { version: '1.0.%' },
      });
      const plan = { method: 'PUT', path: '/v1/agent/service/register', body, numbers: instances };
      const floor = ['parse'];
      const result = await againstFloor({ server, plan, floor, connections: 64, atLeast: 0.35, quick });
      const commits = await server.metric('rollcall_commit_duration_seconds_count');
      const commands = await server.metric('rollcall_commands_total');
      const grouped = (commands / commits).toFixed(0);
      return {
        ...result,
        detail: `${instances} instances of as many services in turn, every body different; ${grouped} commands a commit on average; ${result.detail}`,
      };
    } finally {
      await server.remove();
    }
  },
};
