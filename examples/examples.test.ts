/** The examples do what their READMEs say. They are programs, so the test runs them as built. */

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect } from '@rollcall/client';
import { describe, expect, it } from 'vitest';
import { freePort } from '../conformance/free-ports.mjs';
import { folder, serve, start, startNode } from '../packages/cli/src/processes.case.ts';

const example = (path: string) => fileURLToPath(new URL(path, import.meta.url));

describe('http-pair', () => {
  it('answers every request while one instance is killed and one is stopped', async () => {
    const { code, stdout, stderr } = await startNode([example('http-pair/run.mjs')]).ended;
    expect(stderr).toBe('');
    expect(stdout).toContain('kill -9');
    expect(stdout).toContain('kill -TERM');
    expect(stdout).toContain('\n0 of 3000 requests failed\n');
    expect(stdout.match(/^ +\d+ × hello from process \d+$/gm)).toHaveLength(3);
    expect(code).toBe(0);
  });
});

describe('grpc-pair', () => {
  it('answers every call while one instance is killed and one is stopped', async () => {
    const { code, stdout, stderr } = await startNode([example('grpc-pair/run.mjs')]).ended;
    expect(stderr).toBe('');
    expect(stdout).toContain('kill -9');
    expect(stdout).toContain('kill -TERM');
    expect(stdout).toMatch(/^3 from process \d+$/m);
    expect(stdout).toContain('\n0 of 3000 calls failed\n');
    expect(code).toBe(0);
  });
});

describe('without-a-server', () => {
  it('answers every request while the first member is killed and another one leaves', async () => {
    const { code, stdout, stderr } = await startNode([example('without-a-server/run.mjs')]).ended;
    expect(stderr).toBe('');
    expect(stdout).toContain('3 instances');
    expect(stdout).toContain('kill -KILL');
    expect(stdout).toContain('kill -TERM');
    expect(stdout).toContain('1 instances\n0 of 2000 requests failed\n');
    expect(code).toBe(0);
  });
});

/** The output of a single program, which must end with success. */
async function output(path: string): Promise<string> {
  const { code, stdout, stderr } = await startNode([example(path)]).ended;
  expect([stderr, code]).toEqual(['', 0]);
  return stdout;
}

it('canary gets its share, and the requests that ask for it', async () => {
  const stdout = await output('canary/run.mjs');
  const [, share] = /of 1000 requests:.*'1\.5\.0': (\d+)/.exec(stdout) ?? [];
  expect(Number(share)).toBeGreaterThan(50);
  expect(Number(share)).toBeLessThan(160);
  expect(stdout).toContain("always: { '1.5.0': 20 }");
  expect(stdout).toContain("never: { '1.4.0': 20 }");
});

it('live-canary moves a running caller from 0 to 100 % by the route', async () => {
  const stdout = await output('live-canary/run.mjs');
  const shares = [...stdout.matchAll(/^(\d+) %: (.*)$/gm)].map(([, share, seen = '']) => [Number(share), Number(/'1\.5\.0': (\d+)/.exec(seen)?.[1] ?? 0) / 5] as const);
  expect(shares.map(([share]) => share)).toEqual([0, 10, 50, 100]);
  for (const [share, found] of shares) expect(Math.abs(found - share)).toBeLessThan(share === 0 || share === 100 ? 0.001 : 10);
  expect(stdout).toContain('decided by the route: canary');
});

it('fleet-cron bills each hour once, over the death of the leader', async () => {
  const stdout = await output('fleet-cron/run.mjs');
  expect(stdout).toMatch(/^killing host-\d$/m);
  expect(stdout).toMatch(/^\d+ hours, billed by [23] machines$/m);
  const recorded = [...stdout.matchAll(/^hour (\d+): host-\d$/gm)].map(([, hour]) => Number(hour));
  expect(recorded.length).toBeGreaterThanOrEqual(10);
  expect(recorded).toEqual(recorded.map((_, at) => at));
  // The leader that is killed may have billed an hour without saying so; two machines that say the same hour would have billed it twice.
  const told = [...stdout.matchAll(/has billed hour (\d+) with token \d+/g)].map(([, hour]) => Number(hour));
  expect(told).toEqual([...new Set(told)]);
});

it('sticky-sessions moves only the users of the instance that left', async () => {
  const stdout = await output('sticky-sessions/run.mjs');
  expect(stdout).toContain('of 200 users, 0 moved without a reason');
  expect(stdout).toContain('\nand 0 of the others');
  expect(stdout).toMatch(/were served by [23] instances/);
});

it('zone-failover keeps requests in the zone, sends some and then all elsewhere, and returns', async () => {
  const stdout = await output('zone-failover/run.mjs');
  expect(stdout).toMatch(/all are there: +100 % east/);
  expect(stdout).toMatch(/one of three: +(4\d|5\d) % east/);
  expect(stdout).toMatch(/has none: +0 % east, 100 % west/);
  expect(stdout).toMatch(/is back: +100 % east/);
});

describe('python-http', () => {
  it('sends requests to a Python program by its service name', async ({ skip }) => {
    skip(!hasPython(), 'python3 is not installed');
    const registry = await serve();
    const files = folder();
    writeFileSync(join(files, 'hello.txt'), 'hello');
    const port = String(await freePort());
    const program = ['python3', '-m', 'http.server', port, '--bind', '127.0.0.1'];
    const run = start(['run', 'files', '--port', port, '--addr', registry.url, '--', ...program], { cwd: files });
    const rollcall = await connect({ servers: [registry.url] });
    try {
      const caller = startNode([example('python-http/caller.mjs')], { env: { ROLLCALL_HTTP_ADDR: registry.url } });
      const { code, stdout } = await caller.ended;
      expect(stdout).toMatch(/^200 from SimpleHTTP\//);
      expect(stdout).toContain('hello.txt');
      expect(code).toBe(0);
      expect(await rollcall.service('files').instances()).toHaveLength(1);

      run.child.kill('SIGTERM');
      await run.ended;
      for await (const { instances } of rollcall.service('files').watch()) if (instances.length === 0) break;
    } finally {
      // Not SIGKILL, which would leave Python running.
      run.child.kill('SIGTERM');
      await run.ended;
      await rollcall.close();
    }
  });
});

function hasPython(): boolean {
  try {
    execFileSync('python3', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
