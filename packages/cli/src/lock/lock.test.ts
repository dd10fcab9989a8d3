/** `lock` as processes against a real registry: when each program runs, and what ends it. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { freePort } from '../../../../conformance/free-ports.mjs';
import { folder, here, serve, sharedRegistry, start } from '../processes.case.ts';

const { url } = sharedRegistry();
const locking = (...args: string[]) => start(['lock', '--addr', url(), ...args]);
const api = async <T>(path: string, method = 'GET', body?: string): Promise<T> => {
  const answer = await fetch(url() + path, { method, ...(body === undefined ? {} : { body }) });
  return (answer.status === 404 ? [] : await answer.json()) as T;
};

interface Key {
  readonly Key: string;
  readonly Session?: string;
  readonly Value: string | null;
}
const keys = (prefix: string) => api<Key[]>(`/v1/kv/${prefix}?recurse`);
const sessionOf = async (key: string) => (await keys(key))[0]?.Session ?? '';

/** A program that prints that it runs, and runs until a signal ends it. */
const lasting = [process.execPath, '-e', 'process.on("SIGTERM", () => { console.log("told"); process.exit(0); }); setInterval(() => {}, 1e3); console.log("up", process.pid)'];
/** A program that ignores signals. */
const deaf = [process.execPath, '-e', 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1e3); console.log("up", process.pid)'];

describe('lock', () => {
  it('runs the program while the key is held, and ends with its exit code', async () => {
    const file = join(folder(), 'keys');
    const script = `fetch("${url()}/v1/kv/l/run?recurse").then((a) => a.text()).then((t) => { require("fs").writeFileSync("${file}", t); process.exit(process.env.CONSUL_LOCK_HELD === "true" ? 7 : 1); })`;
    expect(await locking('l/run', '--', process.execPath, '-e', script).ended).toMatchObject({ code: 7, stderr: '' });
    const [held] = JSON.parse(readFileSync(file, 'utf8').replace(/"Flags":(\d+)/, '"Flags":"$1"')) as (Key & { Flags: string })[];
    // As Consul's own clients write it.
    expect(held).toMatchObject({ Key: 'l/run/.lock', Flags: String(0x2ddccbc058a50c18n), Session: expect.stringMatching(/^[0-9a-f-]{36}$/) });
    expect(await keys('l/run')).toEqual([]);
    expect((await api<{ Name: string }[]>('/v1/session/list')).filter(({ Name }) => Name.includes('l/run'))).toEqual([]);
  });

  it('takes one word for the shell, several for a program and its arguments', async () => {
    expect((await locking('l/shell', '--', 'echo $((1 + 1)); exit 3').ended)).toMatchObject({ code: 3, stdout: '2\n' });
    expect((await locking('l/shell', '--', 'echo', '$((1 + 1))').ended)).toMatchObject({ code: 0, stdout: '$((1 + 1))\n' });
    expect((await locking('l/shell', '--no-shell', '--', 'no such program').ended).code).toBe(127);
  });

  it('runs one program at a time, and the next as soon as it has ended', async () => {
    const first = locking('l/one', '--', ...lasting);
    await first.seen(/up/);
    const second = locking('--verbose', 'l/one', '--', 'echo', 'second');
    await second.seen(/waiting for l\/one/, 'stderr');
    expect(await here(['lock', '--addr', url(), '--timeout', '300ms', 'l/one', '--', 'echo', 'never'])).toMatchObject({
      code: 1,
      stdout: '',
      stderr: 'rollcall: the lock was not free in time\n',
    });
    first.child.kill('SIGTERM');
    expect(await first.ended).toMatchObject({ code: 0, stdout: expect.stringMatching(/^up \d+\ntold\n$/) });
    expect(await second.ended).toMatchObject({ code: 0, stdout: 'second\n' });
  });

  it('waits for a lock that another client of Consul holds', async () => {
    const { ID } = await api<{ ID: string }>('/v1/session/create', 'PUT', '{}');
    const flags = 0x2ddccbc058a50c18n;
    await api(`/v1/kv/l/other/.lock?flags=${flags}&acquire=${ID}`, 'PUT', 'its value');
    const waiting = locking('--verbose', 'l/other', '--', 'echo', 'mine');
    await waiting.seen(/waiting/, 'stderr');
    await api(`/v1/kv/l/other/.lock?flags=${flags}&release=${ID}`, 'PUT', '');
    expect(await waiting.ended).toMatchObject({ code: 0, stdout: 'mine\n' });
  });

  it('stops the program when the session ends, with SIGKILL if it ignores SIGTERM', async () => {
    const [listening, other] = [locking('l/lost', '--', ...lasting), locking('l/deaf', '--', ...deaf)];
    await Promise.all([listening.seen(/up/), other.seen(/up/)]);
    const pid = Number((await other.seen(/up (\d+)/))[1]);
    await api(`/v1/session/destroy/${await sessionOf('l/lost')}`, 'PUT', '');
    await api(`/v1/session/destroy/${await sessionOf('l/deaf')}`, 'PUT', '');
    expect(await listening.ended).toMatchObject({ code: 1, stdout: expect.stringMatching(/told\n$/), stderr: expect.stringContaining('the lock is lost') });
    expect((await other.ended).code).toBe(1);
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });

  it('stops the program when the registry is unreachable for too long', async () => {
    const registry = await serve();
    const held = start(['lock', '--addr', registry.url, '--monitor-retry', '1', 'l/gone', '--', ...lasting]);
    await held.seen(/up/);
    registry.child.kill('SIGKILL');
    expect(await held.ended).toMatchObject({ code: 1, stdout: expect.stringMatching(/told\n$/), stderr: expect.stringMatching(/the registry could not be asked: .*connection refused/) });
  });

  it('keeps the program running while a killed registry restarts', async () => {
    const [dir, at] = [folder(), `127.0.0.1:${await freePort()}`];
    const registry = () => serve('--http', at, '--data-dir', dir);
    const first = await registry();
    const held = start(['lock', '--addr', at, '--monitor-retry', '60', 'l/restart', '--', ...lasting]);
    await held.seen(/up/);
    first.child.kill('SIGKILL');
    await first.ended;
    const second = await registry();
    const taken = await here(['lock', '--addr', second.url, '--timeout', '1s', 'l/restart', '--', 'echo', 'never']);
    expect(taken).toMatchObject({ code: 1, stderr: 'rollcall: the lock was not free in time\n' });
    held.child.kill('SIGTERM');
    expect(await held.ended).toMatchObject({ code: 0, stdout: expect.stringMatching(/told\n$/), stderr: '' });
  });

  it('does not change keys that are not locks', async () => {
    await api('/v1/kv/l/data/.lock', 'PUT', 'mine');
    for (const n of ['1', '2']) {
      const refused = await here(['lock', '--addr', url(), '-n', n, 'l/data', '--', 'echo', 'never']);
      expect(refused).toMatchObject({ code: 1, stdout: '' });
      expect(refused.stderr).toMatch(/the key "l\/data\/\.lock" is no (lock|semaphore); use another prefix/);
    }
    expect(await keys('l/data')).toMatchObject([{ Key: 'l/data/.lock', Value: Buffer.from('mine').toString('base64') }]);
  });

  it('gives the program no standard input, unless asked to', async () => {
    const run = (...args: string[]) => start(['lock', '--addr', url(), ...args, 'l/stdin', '--', 'cat; echo end'], { input: 'text ' }).ended;
    expect(await run()).toMatchObject({ code: 0, stdout: 'end\n' });
    expect(await run('--pass-stdin')).toMatchObject({ code: 0, stdout: 'text end\n' });
  });

  it.each([
    [['l/x'], "missing required argument 'command'"],
    [['/', '--', 'true'], 'the prefix is empty'],
    [['-n', '0', 'l/x', '--', 'true'], 'a whole number from 1'],
    [['--timeout', 'soon', 'l/x', '--', 'true'], 'write a duration'],
  ])('%j is a usage error', async (args, message) => {
    const refused = await here(['lock', ...args]);
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toContain(message);
  });
});

describe('lock -n', () => {
  it('runs the given number of programs at once, and the next when one has ended', async () => {
    const [one, two] = [locking('-n', '2', 'l/sem', '--', ...lasting), locking('-n', '2', 'l/sem', '--', ...lasting)];
    await Promise.all([one.seen(/up/), two.seen(/up/)]);
    const file = join(folder(), 'ran');
    const three = locking('-n', '2', '--verbose', 'l/sem', '--', `touch ${file}`);
    await three.seen(/waiting/, 'stderr');
    expect(await here(['lock', '--addr', url(), '-n', '2', '--timeout', '500ms', 'l/sem', '--', 'true'])).toMatchObject({ code: 1, stderr: expect.stringContaining('not free in time') });
    expect(await here(['lock', '--addr', url(), '-n', '3', 'l/sem', '--', 'true'])).toMatchObject({ code: 1, stderr: expect.stringContaining('with -n 2, not 3') });
    expect(existsSync(file)).toBe(false);
    one.child.kill('SIGTERM');
    expect(await three.ended).toMatchObject({ code: 0 });
    expect(existsSync(file)).toBe(true);
    two.child.kill('SIGTERM');
    await two.ended;
    expect(await keys('l/sem')).toEqual([]);
  });

  it('stops the program when the session ends', async () => {
    const held = locking('-n', '2', 'l/semlost', '--', ...lasting);
    await held.seen(/up/);
    const session = (await keys('l/semlost')).map(({ Session }) => Session ?? '').find((each) => each !== '') ?? '';
    await api(`/v1/session/destroy/${session}`, 'PUT', '');
    expect(await held.ended).toMatchObject({ code: 1, stdout: expect.stringMatching(/told\n$/) });
  });
});
