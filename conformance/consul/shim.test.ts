/** `bin/consul`: command lines and an environment of Consul's users, against a real server of ours. */

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createServer, type Server } from '@rollcall/server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const shim = fileURLToPath(new URL('bin/consul', import.meta.url));
let server: Server;
let dir: string;

beforeAll(async () => {
  server = await createServer();
  dir = mkdtempSync(join(tmpdir(), 'rollcall-shim-'));
});
afterAll(async () => {
  await server.close();
  rmSync(dir, { recursive: true });
});

async function consul(args: readonly string[], input = ''): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const env = { PATH: process.env['PATH'], CONSUL_HTTP_ADDR: server.url.replace('http://', '') };
  const child = spawn(shim, args, { cwd: dir, env });
  const text = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) child[name].setEncoding('utf8').on('data', (part: string) => (text[name] += part));
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, ...text };
}

describe('consul', () => {
  it('registers, lists, watches, and sets into maintenance', async () => {
    writeFileSync(join(dir, 'web.json'), '{"service": {"name": "web", "id": "web-1", "port": 80}}');
    expect(await consul(['services', 'register', 'web.json'])).toMatchObject({ code: 0, stderr: '' });
    expect(await consul(['services', 'register', '-name=api', '-port=8080', '-tag=v1', '-meta=a=b'])).toMatchObject({ code: 0 });
    expect((await consul(['catalog', 'services'])).stdout).toMatch(/^api +v1$/m);
    expect((await consul(['catalog', 'nodes', '-service=web', '-detailed'])).stdout).toMatch(/^NODE /);
    expect((await consul(['members', '-status=alive'])).code).toBe(0);
    expect(await consul(['maint', '-enable', '-service=web-1', '-reason=work'])).toMatchObject({ code: 0 });
    expect(JSON.parse((await consul(['watch', '-once', '-type=checks', '-state=critical'])).stdout)).toMatchObject([{ ServiceID: 'web-1' }]);
    expect((await consul(['watch', '-once', '-type', 'service', '-service', 'web', 'wc -l'])).stdout.trim()).toBe('0');
    expect((await consul(['services', 'deregister', '-id=api'])).code).toBe(0);
  });

  it('writes, exports and imports keys, and locks', async () => {
    expect((await consul(['kv', 'put', '-flags=42', 'a/b', 'x'])).code).toBe(0);
    const { stdout } = await consul(['kv', 'export', 'a/']);
    expect(stdout).toBe('[\n\t{\n\t\t"key": "a/b",\n\t\t"flags": 42,\n\t\t"value": "eA=="\n\t}\n]\n');
    expect((await consul(['kv', 'import', '-prefix=copy/', '-'], stdout)).code).toBe(0);
    expect((await consul(['kv', 'get', 'copy/a/b'])).stdout).toBe('x');
    expect(await consul(['lock', '-child-exit-code', '-n=1', '-timeout=5s', 'p', 'exit 3'])).toMatchObject({ code: 3 });
    expect((await consul(['lock', '-shell=false', '-pass-stdin', 'p', 'tr', 'a-z', 'A-Z'], 'given')).stdout).toBe('GIVEN');
  });

  it('saves, inspects and restores snapshots', async () => {
    expect((await consul(['snapshot', 'save', 'all.snap'])).code).toBe(0);
    expect(statSync(join(dir, 'all.snap')).size).toBeGreaterThan(100);
    expect(JSON.parse((await consul(['snapshot', 'inspect', '-format=json', 'all.snap'])).stdout)).toMatchObject({ kinds: expect.arrayContaining([expect.objectContaining({ kind: 'kv' })]) });
    expect((await consul(['snapshot', 'restore', 'all.snap'])).code).toBe(0);
  });

  it('reports unknown commands and options', async () => {
    expect(await consul(['intention', 'list'])).toMatchObject({ code: 2, stderr: expect.stringContaining("unknown command 'intention'") });
    expect(await consul(['members', '-token=x'])).toMatchObject({ code: 2, stderr: expect.stringContaining('-token-file') });
    expect(await consul(['members', '-wan'])).toMatchObject({ code: 2, stderr: expect.stringContaining("unknown option '-wan'") });
  });
});

describe('the guide', () => {
  it('names only existing commands', () => {
    const guide = readFileSync(new URL('../../docs/guides/from-consul.md', import.meta.url), 'utf8');
    const rows = [...guide.matchAll(/^\| `consul [^`]+` \| `rollcall ([^`]+)` \|/gm)].map((row) => row[1]?.split(' ') ?? []);
    expect(rows.length).toBeGreaterThan(20);
    for (const words of rows) {
      const command = words.filter((word) => /^[a-z]+$/.test(word));
      const { status, stdout } = spawnSync(shim, [...command, '--help'], { encoding: 'utf8' });
      expect([command, status, stdout.startsWith(`Usage: rollcall ${command.join(' ')}`)]).toEqual([command, 0, true]);
    }
  });
});
