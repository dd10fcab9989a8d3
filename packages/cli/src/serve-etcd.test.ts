/** `rollcall serve --engine etcd:…` as processes, against a real etcd: two nodes on one store, and what is refused. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { findProgram } from '../../../conformance/install-debian.mjs';
import { etcdProblem, startEtcd } from '../../../conformance/etcd/start.mjs';
import { stallMeter } from '../../server/src/stall-meter.case.ts';
import { folder, rollcall, serve, start } from './processes.case.ts';

const problem = etcdProblem();

async function registered(url: string, name: string): Promise<string> {
  const answer = await fetch(`${url}/v1/health/service/${name}`);
  const instances = (await answer.json()) as { Service: { ID: string } }[];
  return `${answer.headers.get('x-consul-index')}: ${instances.map(({ Service }) => Service.ID).join()}`;
}

/** Asks every 50 ms until it is so; the limit of the test bounds it. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((next) => setTimeout(next, 50));
}

describe('rollcall serve on etcd', () => {
  it('shows registrations of one node on every node, even after that node is killed', async ({ skip }) => {
    skip(problem !== undefined, problem);
    const etcd = await startEtcd();
    onTestFinished(() => etcd.stop());
    const node = (name: string) => serve('--engine', `etcd:${etcd.urls[0]}`, '--node-name', name);
    const [one, two] = await Promise.all([node('one'), node('two')]);
    const body = JSON.stringify({ Name: 'web', Port: 80 });
    expect((await fetch(`${one.url}/v1/agent/service/register`, { method: 'PUT', body })).status).toBe(200);
    await fetch(`${two.url}/v1/kv/any?consistent`);
    const seen = await registered(two.url, 'web');
    expect(seen).toMatch(/^\d+: web$/);
    expect(await registered(one.url, 'web')).toBe(seen);
    one.child.kill('SIGKILL');
    await one.ended;
    expect((await fetch(`${two.url}/v1/kv/after`, { method: 'PUT', body: 'x' })).status).toBe(200);
    expect(await registered(two.url, 'web')).toBe(seen);
  });

  it('serves reads with their age while etcd is frozen, refuses writes within 5 s, and is current 3 s after', async ({ skip }) => {
    skip(problem !== undefined, problem);
    const etcd = await startEtcd();
    onTestFinished(() => etcd.stop());
    const [member] = etcd.members;
    const { url } = await serve('--engine', `etcd:${etcd.urls[0]}`);
    const write = async (value: string) => (await fetch(`${url}/v1/kv/a`, { method: 'PUT', body: value })).status;
    const ready = async () => (await fetch(`${url}/readyz`)).status;
    expect([await write('1'), await ready()]).toEqual([200, 200]);
    member.pause();
    const frozen = stallMeter();
    onTestFinished(() => frozen.stop());
    const refused = await Promise.all([write('2'), write('3')]);
    expect(refused).toEqual([500, 500]);
    expect(frozen.elapsedMs()).toBeLessThan(5_000);
    await until(async () => (await ready()) === 503);
    const answer = await fetch(`${url}/v1/kv/a`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('x-consul-knownleader')).toBe('false');
    expect(Number(answer.headers.get('x-consul-lastcontact'))).toBeGreaterThan(0);
    member.resume();
    const back = stallMeter();
    onTestFinished(() => back.stop());
    await until(async () => (await ready()) === 200);
    await until(async () => (await write('4')) === 200);
    expect(back.elapsedMs()).toBeLessThan(3_000);
  });

  it('waits for a member that starts after it, and stops when it is asked to', async ({ skip }) => {
    skip(problem !== undefined, problem);
    const etcd = await startEtcd();
    onTestFinished(() => etcd.stop());
    const [member] = etcd.members;
    await member.kill();
    const args = ['serve', '--json', '--http', '127.0.0.1:0', '--dns', 'off', '--engine', `etcd:${member.url}`];
    const server = start(args);
    await server.seen(/the store does not answer yet/, 'stderr');
    await member.start();
    await server.seen(/"url":"http/);
    await member.kill();
    const asked = start(args);
    await asked.seen(/the store does not answer yet/, 'stderr');
    asked.child.kill('SIGTERM');
    expect(await asked.ended).toMatchObject({ code: 0, stdout: '' });
  });

  it('is refused when no member answers, and when it is older than 3.6', async ({ skip }) => {
    const refused = await rollcall(['serve', '--http', '127.0.0.1:0', '--dns', 'off', '--engine', 'etcd:http://127.0.0.1:1']);
    expect(refused).toMatchObject({ code: 6, stdout: '' });
    expect(refused.stderr).toMatch(/^rollcall: etcd cannot be used: .*ECONNREFUSED 127\.0\.0\.1:1/m);
    const old = findProgram('etcd');
    skip(old === undefined, 'etcd 3.4 is not installed; `node conformance/install-debian.mjs` installs it on Debian');
    const etcd = await startEtcd({ program: old as string });
    onTestFinished(() => etcd.stop());
    const tooOld = await rollcall(['serve', '--http', '127.0.0.1:0', '--dns', 'off', '--engine', `etcd:${etcd.urls[0]}`]);
    expect(tooOld).toMatchObject({ code: 6, stdout: '' });
    expect(tooOld.stderr).toMatch(/is version 3\.4\.\d+; Rollcall needs 3\.6 or newer, since .*; upgrade etcd first/);
  });

  it.each([
    [['--engine', 'redis:x'], 'is not an engine; write embedded:DIR, memory, etcd:URL[,URL] or node:URL'],
    [['--engine', 'etcd:127.0.0.1:2379'], 'is not the URL of an etcd member; write etcd:http://HOST:2379'],
    [['--engine', 'etcd:http://a:1/x'], 'is no URL of an etcd member'],
    [['--engine', 'etcd:http://a:1,https://b:2'], 'give all as https: or all as http:'],
    [['--engine', 'etcd:http://a:1', '--engine-user', 'me'], 'needs a file with the password'],
    [['--engine', 'etcd:https://a:1', '--engine-cert-file', 'c.pem'], 'a certificate for etcd needs its key'],
    [['--engine', 'etcd:http://a:1', '--engine-ca-file', 'c.pem'], 'its URLs have no TLS'],
    [['--engine', 'etcd:https://a:1', '--engine-ca-file', 'missing.pem'], 'the certificates that etcd is checked against cannot be read'],
    [['--engine', 'memory', '--engine-user', 'me'], 'engineUser is set, but the engine is memory'],
    [['--engine', 'memory', '--engine-restored'], 'engineRestored is set, but the engine is memory'],
    [['--engine', 'memory', '--data-dir', 'x'], "'--engine <engine>' cannot be used with option '--data-dir <dir>'"],
    [['--dev', '--engine', 'memory'], "'--dev' cannot be used with option '--engine <engine>'"],
  ])('refuses %j', async (args, complaint) => {
    const dir = folder();
    writeFileSync(join(dir, 'c.pem'), 'x');
    const refused = await rollcall(['serve', '--http', '127.0.0.1:0', '--dns', 'off', ...args], { cwd: dir });
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toContain(complaint);
  });
});
