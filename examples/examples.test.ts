/** The examples do what their READMEs say. They are programs, so this runs them as built. */

import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect } from '@rollcall/client';
import { describe, expect, it } from 'vitest';
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

describe('python-http', () => {
  it('asks a Python program by its name', async ({ skip }) => {
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

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
