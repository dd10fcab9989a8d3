import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createServer, type Server } from '@rollcall/server';
import { stallMeter } from '../../server/src/stall-meter.case.ts';
import { connect, type Rollcall } from './index.ts';

const program = fileURLToPath(new URL('registered-process.case.mjs', import.meta.url));

let server: Server;
let rollcall: Rollcall;
const children: ChildProcess[] = [];

beforeEach(async () => {
  server = await createServer();
  rollcall = await connect({ servers: [server.url] });
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await rollcall.close();
  await server.close();
});

async function start(id: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [program, server.url, 'web', id], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  await new Promise<void>((resolve, reject) => {
    child.stdout?.once('data', () => resolve());
    child.once('exit', (code) => reject(new Error(`the process ended with ${code}`)));
  });
  return child;
}

/** Resolves when the watch says so of the instance; undefined for gone. */
async function becomes(id: string, status: string | undefined): Promise<void> {
  for await (const { instances } of rollcall.service('web').watch()) {
    if (instances.find((instance) => instance.id === id)?.status === status) return;
  }
}

it('a killed process is no longer picked, at once, and the others still are', async () => {
  const [dies, lives] = await Promise.all([start('dies'), start('lives')]);
  await Promise.all([becomes('dies', 'passing'), becomes('lives', 'passing')]);
  const critical = becomes('dies', 'critical');
  const meter = stallMeter();
  dies.kill('SIGKILL');
  await critical;
  // Typically 2 ms on an idle machine; the bound is for a busy one.
  expect(meter.elapsedMs()).toBeLessThan(1_000);
  meter.stop();
  const picked = Array.from({ length: 20 }, () => {
    const pick = rollcall.service('web').pick();
    pick.done();
    return pick.instance.id;
  });
  expect(new Set(picked)).toEqual(new Set(['lives']));
  expect(lives.exitCode).toBeNull();
});

it('a process that is terminated without a goodbye ends like a killed one', async () => {
  const child = await start('a');
  await becomes('a', 'passing');
  const critical = becomes('a', 'critical');
  child.kill('SIGTERM');
  await critical;
});

it('a process runs for as long as its client is open, and ends when it is closed', async () => {
  const script = (end: string) => `
    import { connect } from '@rollcall/client';
    const say = ({ kind }) => process.stdout.write(kind + ' ');
    const rollcall = await connect({ servers: ['${server.url}'], onEvent: say });
    await rollcall.kv.put('k', 'v');
    say({ kind: 'written' });
    ${end}
  `;
  const run = (end: string) => {
    const cwd = fileURLToPath(new URL('.', import.meta.url));
    const args = ['--input-type=module', '--eval', script(end)];
    const child = spawn(process.execPath, args, { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    const said: string[] = [];
    let look = () => {};
    child.stdout?.on('data', (data: Buffer) => {
      said.push(...data.toString().trim().split(' '));
      look();
    });
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    const says = (word: string, times: number) =>
      new Promise<void>((resolve, reject) => {
        void ended.then((code) => reject(new Error(`the process ended with ${code} after ${said.join(' ')}`)));
        look = () => {
          if (said.filter((each) => each === word).length >= times) resolve();
        };
        look();
      });
    return { says, ended };
  };
  expect(await run('await rollcall.close();').ended).toBe(0);
  const open = run('');
  await open.says('written', 1);
  // Between two attempts there is neither a socket nor anything else that would keep it.
  await server.close();
  await open.says('unreachable', 3);
});
