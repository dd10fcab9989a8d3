/** `rollcall serve` as a `Type=notify` service: systemd hears when it answers and when it stops. */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { folder, start } from './processes.case.ts';

const serving = ['serve', '--http', '127.0.0.1:0', '--dns', 'off', '--dev', '--log-level', 'error'];
const missing = ['systemd-notify', 'nc'].filter((program) => spawnSync(program, ['-h']).error !== undefined);

/** Reads the datagrams that systemd would read. */
async function manager(): Promise<{ socket: string; seen: (text: string) => Promise<void> }> {
  const socket = join(folder(), 'notify');
  const reader = spawn('nc', ['-lkuU', socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(async () => {
    reader.kill();
    await once(reader, 'exit');
  });
  let heard = '';
  reader.stdout.setEncoding('utf8').on('data', (chunk: string) => (heard += chunk));
  // nc creates the socket some milliseconds after it starts, and says nothing then.
  while (!existsSync(socket)) await new Promise((resolve) => setImmediate(resolve));
  return {
    socket,
    async seen(text) {
      while (!heard.includes(text)) await once(reader.stdout, 'data');
    },
  };
}

it('says READY=1 when it answers, and STOPPING=1 when it stops', async ({ skip }) => {
  skip(missing.length > 0, `${missing.join(' and ')} is not installed; \`node conformance/install-debian.mjs\` installs it on Debian`);
  const { socket, seen } = await manager();
  const server = start(serving, { env: { NOTIFY_SOCKET: socket } });
  const url = (await server.seen(/HTTP {2}(\S+)$/m))[1] ?? '';
  await seen('READY=1');
  await seen(`STATUS=serving at ${url}`);
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
  server.child.kill('SIGTERM');
  await seen('STOPPING=1');
  expect(await server.ended).toMatchObject({ code: 0, stderr: '' });
});

it('serves without systemd-notify, and reports that it is missing', async () => {
  const server = start(serving, { env: { NOTIFY_SOCKET: join(folder(), 'notify'), PATH: '' } });
  await server.seen(/rollcall: systemd was not told READY=1: systemd-notify is not installed/, 'stderr');
  const url = (await server.seen(/HTTP {2}(\S+)$/m))[1] ?? '';
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
});
