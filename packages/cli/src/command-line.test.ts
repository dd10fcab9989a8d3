/** Errors of the command line itself, and the error when no registry answers. */

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { freePort } from '../../../conformance/free-ports.mjs';
import { rollcall, serve } from './processes.case.ts';

describe('a registry that does not answer', () => {
  it.each([['services'], ['instances', 'web'], ['watch', 'web'], ['kv', 'get', 'a'], ['backup', '-'], ['restore', '-']])(
    'is exit code 4 for %s %s',
    async (...args) => {
      const gone = `http://127.0.0.1:${await freePort()}`;
      const refused = await rollcall([...args, '--addr', gone], { input: 'x' });
      expect(refused).toMatchObject({ code: 4, stdout: '' });
      expect(refused.stderr).toBe(
        `rollcall: no registry answers at ${gone} (connection refused); start one with "rollcall serve" (in a clone: npm start), or name another one with --addr\n`,
      );
    },
  );

  it('gets a different error than a server that is not Rollcall', async () => {
    const server = createServer((_request, response) => response.end('<html>hello</html>')).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await new Promise((resolve) => server.on('listening', resolve));
    const other = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const refused = await rollcall(['services', '--addr', other]);
    expect(refused).toMatchObject({ code: 4, stdout: '' });
    expect(refused.stderr).toContain(`what answers at ${other} is not a Rollcall registry`);
  });

  it('is ignored when the command line names another one', async () => {
    const registry = await serve();
    expect((await rollcall(['services', '--addr', `127.0.0.1:${await freePort()},${registry.url}`])).code).toBe(0);
  });
});

describe('the command line itself', () => {
  it.each([[['version']], [['--version']], [['-V']]])('%j prints the version', async (args) => {
    const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
    const printed = await rollcall(args);
    expect(printed).toMatchObject({ code: 0, stderr: '' });
    expect(printed.stdout.trim().replace('rollcall ', '')).toBe(version);
  });

  it.each([[['--help']], [['help', 'serve']], [['serve', '--help']], [['kv', 'put', '-h']]])('%j prints help', async (args) => {
    const printed = await rollcall(args);
    expect(printed).toMatchObject({ code: 0, stderr: '' });
    expect(printed.stdout).toContain('Usage: rollcall');
  });

  it.each([['-format=json'], ['-format json']])('version %s is that of the Consul that it is to Consul’s tools', async (flag) => {
    expect(JSON.parse((await rollcall(['version', ...flag.split(' ')])).stdout)).toEqual({ Version: expect.stringMatching(/^1\.21\.0\+rollcall\.\d/) });
  });

  it.each([['--format=json'], ['--json']])('version %s is JSON', async (flag) => {
    expect(JSON.parse((await rollcall(['version', ...flag.split(' ')])).stdout)).toEqual({ Version: expect.stringMatching(/^\d+\.\d+\.\d+/) });
  });

  it.each([
    [['srvices'], "unknown command 'srvices'"],
    [['services', '--jsn'], "unknown option '--jsn'"],
    [['instances'], "missing required argument 'name'"],
    [['services', 'x'], 'too many arguments'],
    [['kv', 'put', 'a', 'b', '--cas', '-1'], 'a revision is a whole number'],
    [['kv', 'put', 'a', 'b', '--flags', '18446744073709551616'], 'flags are a whole number'],
    [['services', '--addr', 'ftp://x'], 'is neither http nor https'],
    [['run', 'web', '--port', '0', '--', 'true'], 'a port is a whole number'],
    [['run', 'web', '--', 'true'], "required option '--port <port>' not specified"],
    [['run', 'my web', '--port', '1', '--', 'true'], 'service "my web" is not valid'],
    [[], 'Usage: rollcall'],
  ])('%j is a usage error', async (args, message) => {
    const refused = await rollcall(args);
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toContain(message);
  });
});
