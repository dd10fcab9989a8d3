/** `lead`, and `lock --fenced`, as processes against a real registry: who runs when, and what ends a program. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { stallMeter } from '../../../server/src/stall-meter.case.ts';
import { folder, here, serve, sharedRegistry, start } from '../processes.case.ts';

const { url } = sharedRegistry();
const leading = (...args: string[]) => start(['lead', '--addr', url(), ...args]);
const sessions = async (): Promise<{ ID: string; Name: string }[]> => (await fetch(`${url()}/v1/session/list`)).json() as Promise<{ ID: string; Name: string }[]>;

/** A program that prints its token, and runs until a signal ends it. */
const lasting = [process.execPath, '-e', 'process.on("SIGTERM", () => { console.log("told"); process.exit(0); }); setInterval(() => {}, 1e3); console.log("up", process.pid, process.env.ROLLCALL_LOCK_TOKEN)'];
/** A program that ignores signals. */
const deaf = [process.execPath, '-e', 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1e3); console.log("up", process.pid)'];

describe('lead', () => {
  it('runs the program of one process, then that of the next, with a higher token, and ends with its exit code', async () => {
    const first = leading('e/one', '--', ...lasting);
    const [, , token] = await first.seen(/up (\d+) (\d+)/);
    const second = leading('--verbose', 'e/one', '--', process.execPath, '-e', 'console.log(process.env.ROLLCALL_LOCK_NAME, process.env.ROLLCALL_LOCK_TOKEN); process.exit(7)');
    await second.seen(/waiting for e\/one/, 'stderr');
    const asked = async () => JSON.parse((await here(['locks', '--addr', url(), 'e/one', '--json'])).stdout) as { readonly waiting: readonly object[] };
    await expect.poll(async () => (await asked()).waiting.length, { timeout: 20_000 }).toBe(1);
    expect(await asked()).toMatchObject({ limit: 1, purpose: 'election', holders: [{ token, sinceMs: expect.any(Number) as number, ttlMs: 10_000 }], waiting: [{ sinceMs: expect.any(Number) as number }] });
    const text = (await here(['locks', '--addr', url()])).stdout;
    expect(text).toMatch(/^LOCK +KIND +HELD BY +SINCE +TOKEN +WAITING\n[^]*e\/one +election +\S+ +\d{4}-\d\d-\d\dT\S+Z +\d+ +1\n/);
    expect((await here(['locks', '--addr', url(), 'e/one'])).stdout).toMatch(/^election\nPLACE +WHO +SINCE +TOKEN +LEASE +SESSION\nholds [^]*\n1 +/);
    expect((await here(['locks', '--addr', url(), 'e/none'])).stdout).toBe('lock e/none is not in use\n');
    expect(await here(['lead', '--addr', url(), '--timeout', '300ms', 'e/one', '--', 'echo', 'never'])).toMatchObject({ code: 1, stdout: '', stderr: 'rollcall: the lock was not free in time\n' });
    first.child.kill('SIGTERM');
    expect(await first.ended).toMatchObject({ code: 0, stdout: expect.stringMatching(/told\n$/) });
    const { code, stdout } = await second.ended;
    const [name, next] = stdout.trim().split(' ');
    expect([code, name, BigInt(next ?? 0) > BigInt(token ?? 0)]).toEqual([7, 'e/one', true]);
  });

  it('a signal ends the wait', async () => {
    const first = leading('e/wait', '--', ...lasting);
    await first.seen(/up/);
    const second = leading('--verbose', 'e/wait', '--', 'echo', 'never');
    await second.seen(/waiting/, 'stderr');
    second.child.kill('SIGINT');
    expect(await second.ended).toMatchObject({ code: 130, stdout: '' });
    first.child.kill('SIGTERM');
    expect((await first.ended).code).toBe(0);
  });

  it('kills the program when the registry has ended its leadership', async () => {
    const held = leading('--ttl', '3s', '--value', 'lost-one', 'e/lost', '--', ...deaf);
    const pid = Number((await held.seen(/up (\d+)/))[1]);
    const ids = (await sessions()).filter(({ Name }) => Name === 'e/lost');
    for (const { ID } of ids) await fetch(`${url()}/v1/session/destroy/${ID}`, { method: 'PUT' });
    expect(await held.ended).toMatchObject({ code: 1, stderr: expect.stringContaining('the lock is lost, and the program is stopped') });
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });

  it('runs the program again, with a higher token, only with --again', async () => {
    const held = leading('--ttl', '3s', '--again', 'e/again', '--', ...lasting);
    const [, pid, token] = await held.seen(/up (\d+) (\d+)/);
    for (const { ID } of (await sessions()).filter(({ Name }) => Name === 'e/again')) await fetch(`${url()}/v1/session/destroy/${ID}`, { method: 'PUT' });
    const [, next, higher] = await held.seen(/up \d+ \d+\n(?:told\n)?up (\d+) (\d+)/);
    expect([pid === next, BigInt(higher ?? 0) > BigInt(token ?? 0)]).toEqual([false, true]);
    expect(() => process.kill(Number(pid), 0)).toThrow('ESRCH');
    held.child.kill('SIGTERM');
    expect(await held.ended).toMatchObject({ code: 0, stderr: expect.stringContaining('the lock is lost, and the program is stopped: election "e/again" is lost') as string });
  });

  // A program has a quarter of the TTL to end by itself.
  it.each([['ends after SIGTERM', 12, lasting, /told\n$/], ['ignores SIGTERM', 3, deaf, /up \d+\n$/]] as const)('stops a program that %s when the registry is gone, before another could lead', async (_, ttlSeconds, program, output) => {
    const registry = await serve();
    const held = start(['lead', '--addr', registry.url, '--ttl', `${ttlSeconds}s`, 'e/gone', '--', ...program]);
    const pid = Number((await held.seen(/up (\d+)/))[1]);
    registry.child.kill('SIGKILL');
    const meter = stallMeter();
    const ended = await held.seen(/the lock is lost, and the program is stopped/, 'stderr').then(() => meter.elapsedMs());
    meter.stop();
    const { code, stdout } = await held.ended;
    expect([code, output.test(stdout)]).toEqual([1, true]);
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    // Its deadline is four fifths of the TTL after its last renewal; another could lead a whole TTL after it.
    expect(ended).toBeLessThan(ttlSeconds * 1_000);
  });

  it('another leads after the TTL of one that was killed', async () => {
    const killed = leading('--ttl', '3s', 'e/killed', '--', ...lasting);
    const pid = Number((await killed.seen(/up (\d+)/))[1]);
    // Nothing ends the program of a holder that is killed: only its token does.
    onTestFinished(() => void process.kill(pid, 'SIGKILL'));
    const next = leading('--verbose', 'e/killed', '--', 'echo', 'taken over');
    await next.seen(/waiting/, 'stderr');
    killed.child.kill('SIGKILL');
    expect(await next.ended).toMatchObject({ code: 0, stdout: 'taken over\n' });
  });
});

describe('lock --fenced', () => {
  it('gives each program a token, one after the other, or several at once', async () => {
    const file = join(folder(), 'tokens');
    writeFileSync(file, '');
    const run = () => start(['lock', '--addr', url(), '--fenced', 'f/one', '--', `echo $ROLLCALL_LOCK_TOKEN >> ${file}`]).ended;
    expect((await Promise.all([run(), run(), run()])).map(({ code }) => code)).toEqual([0, 0, 0]);
    const tokens = readFileSync(file, 'utf8').trim().split('\n').map(BigInt);
    expect(tokens).toEqual(tokens.toSorted((a, b) => (a < b ? -1 : 1)));
    expect(new Set(tokens).size).toBe(3);
    const [one, two] = [start(['lock', '--addr', url(), '--fenced', '-n', '2', 'f/two', '--', ...lasting]), start(['lock', '--addr', url(), '--fenced', '-n', '2', 'f/two', '--', ...lasting])];
    await Promise.all([one.seen(/up/), two.seen(/up/)]);
    one.child.kill('SIGTERM');
    two.child.kill('SIGTERM');
    expect((await Promise.all([one.ended, two.ended])).map(({ code }) => code)).toEqual([0, 0]);
  });
});
