/** `debug` as a process against a real registry. */

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { folder, rollcall, serve, sharedRegistry, start } from './processes.case.ts';
import { tar } from './tar.ts';

const { ask } = sharedRegistry('--acl', '--node-name', 'home');

describe('debug', () => {
  it('collects all targets in one archive that tar reads, readable only by its owner', async () => {
    const dir = folder();
    const registry = await serve('--node-name', 'seen');
    const made = await rollcall(['debug', '--duration', '1s', '--interval', '1s', '--output', 'found', '--json', '--addr', registry.url], { cwd: dir });
    expect(made).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(made.stdout)).toMatchObject({ file: 'found.tar.gz', problems: [] });
    expect(statSync(join(dir, 'found.tar.gz')).mode & 0o777).toBe(0o600);
    expect(spawnSync('tar', ['xzf', 'found.tar.gz'], { cwd: dir, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
    const read = (name: string): unknown => JSON.parse(readFileSync(join(dir, 'found', name), 'utf8'));
    expect(read('agent.json')).toMatchObject({ Config: { NodeName: 'seen' } });
    expect(read('members.json')).toMatchObject([{ Name: 'seen' }]);
    expect(read('host.json')).toMatchObject({ Memory: { total: expect.any(Number) } });
    expect(read('0001/status.json')).toMatchObject({ nodeName: 'seen' });
    expect(read('0001/metrics.json')).toMatchObject({ Gauges: expect.any(Array) });
    expect(read('index.json')).toMatchObject({ servers: [registry.url], problems: [], files: expect.arrayContaining(['registry.log', '0001/status.json']) });
  });

  it('writes a folder of the named targets with --no-archive, and ends early at a signal', async () => {
    const dir = folder();
    const registry = await serve();
    const gathering = start(['debug', '--no-archive', '--output', 'd', '--capture', 'agent,members,metrics', '--addr', registry.url], { cwd: dir });
    // Metrics are asked for at intervals, and after all other targets: these have been read then.
    const page = async () => (await fetch(`${registry.url}/metrics`)).text();
    await expect.poll(page).toContain('rollcall_http_requests_total{route="/v1/agent/metrics",status="200"} 1\n');
    gathering.child.kill('SIGINT');
    const { code, stdout, stderr } = await gathering.ended;
    // The signal may come before the answer with the metrics has been read.
    const isRead = existsSync(join(dir, 'd', '0001', 'metrics.json'));
    expect([code, stdout]).toEqual([0, `d: ${isRead ? 4 : 3} files\n`]);
    expect(stderr).toMatch(isRead ? /^$/ : /^rollcall: without 0001\/metrics: .*\n$/);
    expect(readdirSync(join(dir, 'd')).filter((name) => name !== '0001').toSorted()).toEqual(['agent.json', 'index.json', 'members.json']);
  });

  it('leaves no file behind when the token may read none of the targets', async () => {
    const dir = folder();
    const denied = await ask(['debug', '--duration', '1s', '--interval', '1s', '--output', 'none', '--capture', 'agent,host'], { cwd: dir });
    expect(denied).toMatchObject({ code: 9, stdout: '' });
    expect(readdirSync(dir)).toEqual([]);
  });

  it('does not overwrite an existing file, and refuses wrong times', async () => {
    const dir = folder();
    expect(await ask(['debug', '--output', join(dir, 'no', 'such')])).toMatchObject({ code: 1, stderr: expect.stringContaining('ENOENT') });
    expect((await ask(['debug', '--interval', '10ms'])).code).toBe(2);
    expect((await ask(['debug', '--interval', '10s', '--duration', '5s'])).code).toBe(2);
    expect((await ask(['debug', '--capture', 'secrets'])).code).toBe(2);
  });
});

describe('tar', () => {
  it('refuses a path that is too long for its header', async () => {
    await expect(tar([{ path: 'x'.repeat(101), content: Buffer.alloc(0) }], 0)).rejects.toThrow('too long');
    expect(await tar([{ path: 'a', content: Buffer.alloc(512) }], 0)).toHaveLength(512 * 4);
  });
});
