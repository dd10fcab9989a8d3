/** Registrations that change something every time, acknowledged once they are on disk. */

import { againstFloor } from '../against-floor.mjs';
import { startRollcall } from '../rollcall.mjs';

const instances = 10_000;

export const traffic = {
  plan: {
    method: 'PUT',
    path: '/v1/agent/service/register',
    body: JSON.stringify({
      ID: 'web-#',
      Name: 'web-#',
      Address: '10.0.0.1',
      Port: 8080,
      Tags: ['v1', 'primary'],
      // Differs in every request, so that each one is a write.
      Meta: { version: '1.0.%' },
    }),
    numbers: instances,
  },
};

export const row = {
  what: '`PUT /v1/agent/service/register`, durable, 64 connections',
  target: '≥ 0.35 × bare `node:http` that parses the same body and answers',
  ifMissed:
    'the floor parses a body and answers. This reads the body with exact numbers and Go’s errors, checks each field, decides, encodes, ' +
    'plans the log and applies: 10 µs of processor time together (`bench/micro/register-steps.mjs`; 13.3 at commit b81b39f1), most of what the ' +
    'floor takes in all. The rest is the write of the log, one for some 32 commands, whose thread shares the one core (54 µs for a write of ' +
    '9 kB, 77 at commit b81b39f1), garbage collection, and the promises between request and commit. No single function takes more than 3 %',
  async run({ quick }) {
    const server = await startRollcall();
    try {
      const floor = ['parse'];
      const result = await againstFloor({ server, ...traffic, floor, connections: 64, atLeast: 0.35, quick });
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
