/**
 * A holder that is killed, and one that is not, for longer than a session lives without renewal. Takes as long as Consul does:
 * twice the 15 s of the session, and 15 s of lock delay. On its own, so that other tests run beside it.
 */

import { expect, it, onTestFinished } from 'vitest';
import { sharedRegistry, start } from '../processes.case.ts';

const { url } = sharedRegistry();

const locking = (...args: string[]) => start(['lock', '--addr', url(), ...args]);
const lasting = [process.execPath, '-e', 'setInterval(() => {}, 1e3); console.log("up", process.pid)'];

it('a lock whose holder was killed is taken over when its session has ended, but not while it is renewed', async () => {
  const [killed, kept] = [locking('l/killed', '--', ...lasting), locking('l/kept', '--', ...lasting)];
  const pid = Number((await killed.seen(/up (\d+)/))[1]);
  // Nothing ends the program of a holder that is killed.
  onTestFinished(() => void process.kill(pid, 'SIGKILL'));
  await kept.seen(/up/);
  killed.child.kill('SIGKILL');
  const never = locking('l/kept', '--', 'echo', 'taken over');
  const second = locking('l/killed', '--', 'echo', 'taken over');
  expect(await second.ended).toMatchObject({ code: 0, stdout: 'taken over\n' });
  kept.child.kill('SIGTERM');
  expect(await kept.ended).toMatchObject({ code: 143, stdout: expect.stringMatching(/^up \d+\n$/), stderr: '' });
  expect(await never.ended).toMatchObject({ code: 0, stdout: 'taken over\n' });
});
