/** The etcd servers for other tests: they form a cluster, survive faults, and leave no process or file. */

import { existsSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { etcdProblem, startEtcd, startEtcdCluster, type EtcdCluster } from './start.mjs';

const problem = etcdProblem();
let etcd: EtcdCluster | undefined;

afterEach(async () => {
  await etcd?.stop();
  etcd = undefined;
});

describe('etcd', () => {
  it('of three members serves while one member is dead or frozen, and accepts it again', async ({ skip }) => {
    skip(problem !== undefined, problem);
    etcd = await startEtcdCluster(3);
    const [a, b, c] = etcd.members as readonly [EtcdCluster['members'][0], EtcdCluster['members'][0], EtcdCluster['members'][0]];
    await put(a.url, 'key', 'one');
    await b.kill();
    expect(b.pid).toBeUndefined();
    await put(a.url, 'key', 'two');
    await b.start();
    expect(await get(b.url, 'key')).toBe('two');
    c.pause();
    await put(b.url, 'key', 'three');
    c.resume();
    expect(await get(c.url, 'key')).toBe('three');
  });

  it('leaves neither process nor data behind, even if it is frozen', async ({ skip }) => {
    skip(problem !== undefined, problem);
    const own = await startEtcd();
    const [member] = own.members;
    const { pid, directory } = member;
    expect(existsSync(directory)).toBe(true);
    member.pause();
    await own.stop();
    expect(existsSync(directory)).toBe(false);
    expect(() => process.kill(pid as number, 0)).toThrow('ESRCH');
  });

  it('reports why it cannot start', async ({ skip }) => {
    skip(problem !== undefined, problem);
    await expect(startEtcd({ args: ['--no-such-flag'] })).rejects.toThrow(/flag provided but not defined: -no-such-flag/);
  });
});

const base64 = (text: string) => Buffer.from(text).toString('base64');

/** Through etcd's JSON gateway. While the members elect a leader, they answer 503. */
async function call(url: string, path: string, body: object): Promise<{ kvs?: { value: string }[] }> {
  for (;;) {
    const answer = await fetch(`${url}/v3/kv/${path}`, { method: 'POST', body: JSON.stringify(body) });
    const content = await answer.text();
    if (answer.status === 503) continue;
    expect(answer.status, content).toBe(200);
    return JSON.parse(content) as { kvs?: { value: string }[] };
  }
}

const put = (url: string, key: string, value: string) => call(url, 'put', { key: base64(key), value: base64(value) });

async function get(url: string, key: string): Promise<string> {
  const { kvs } = await call(url, 'range', { key: base64(key) });
  return Buffer.from(kvs?.[0]?.value ?? '', 'base64').toString();
}
