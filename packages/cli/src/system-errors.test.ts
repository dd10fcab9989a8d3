/** The real process reports each refusal of the system in one plain line, with its exit code. */

import { spawn } from 'node:child_process';
import { chmodSync, closeSync, existsSync, lstatSync, openSync, readdirSync, renameSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { folder, rollcall, sharedRegistry, start } from './processes.case.ts';

const program = fileURLToPath(new URL('../bin/rollcall.mjs', import.meta.url));
const quiet = ['--dev', '--http', '127.0.0.1:0', '--dns', 'off', '--log-level', 'error'];
const stored = ['--http', '127.0.0.1:0', '--dns', 'off', '--log-level', 'error', '--data-dir'];

/** One line on stderr that begins like all of them, no output, and the exit code. */
async function refusal(args: readonly string[]): Promise<[code: number | null, line: string]> {
  const { code, stdout, stderr } = await rollcall(args);
  const lines = stderr.split('\n');
  expect([stdout, lines.length, lines[1]]).toEqual(['', 2, '']);
  expect(lines[0]).toMatch(/^rollcall: /);
  return [code, (lines[0] ?? '').slice('rollcall: '.length)];
}

describe('serve', () => {
  it.each<[what: string, path: (dir: string) => string, message: (dir: string) => string]>([
    ['a file', (dir) => join(dir, 'file'), (dir) => `${join(dir, 'file')} is a file, not a directory`],
    ['below a file', (dir) => join(dir, 'file', 'x', 'y'), (dir) => `${join(dir, 'file')} is a file, not a directory`],
    ['a directory of other files', (dir) => dir, () => 'it has no store, but files that are not Rollcall'],
    ['below /proc', () => '/proc/rollcall', () => 'cannot be created'],
  ])('refuses a data directory that is %s', async (_what, path, message) => {
    const dir = folder();
    writeFileSync(join(dir, 'file'), 'x');
    const [code, line] = await refusal(['serve', ...stored, path(dir)]);
    expect([code, line]).toEqual([6, expect.stringContaining(message(dir))]);
  });

  it('refuses a data directory that this user may not create', async ({ skip }) => {
    const isRoot = process.getuid?.() === 0;
    skip(isRoot && process.platform !== 'linux', 'root may create directories everywhere but in /sys of Linux');
    const closed = isRoot ? '/sys' : folder();
    if (!isRoot) chmodSync(closed, 0o500);
    const [code, line] = await refusal(['serve', ...stored, join(closed, 'rollcall')]);
    expect([code, line]).toEqual([6, expect.stringMatching(/rollcall cannot be created: (this user may not|the file system is read-only)/)]);
  });

  it('refuses a data directory that has lost its store', async () => {
    const dir = folder();
    const server = start(['serve', ...stored, dir]);
    await server.seen(/Rollcall is running/);
    server.child.kill('SIGTERM');
    await server.ended;
    const away = join(folder(), 'log');
    const log = readdirSync(dir).find((name) => name.endsWith('.log')) ?? '';
    renameSync(join(dir, log), away);
    const [code, line] = await refusal(['serve', ...stored, dir]);
    expect([code, line]).toEqual([7, expect.stringContaining('none of its files (rollcall-*.log) is left')]);
  });

  it.each<[what: string, args: (dir: string) => string[], code: number, message: string]>([
    ['an audit log in a missing directory', (dir) => ['--audit-log', join(dir, 'none', 'log')], 2, 'cannot be opened'],
    ['an audit log that is a directory', (dir) => ['--audit-log', dir], 2, 'cannot be opened'],
    ['authorities that are missing', (dir) => ['--probe-ca-file', join(dir, 'none')], 2, 'cannot read'],
    ['a certificate that is missing', (dir) => ['--https', '127.0.0.1:0', '--tls-cert-file', join(dir, 'c'), '--tls-key-file', join(dir, 'k')], 2, 'cannot read'],
    ['a configuration file that is missing', (dir) => ['--config', join(dir, 'none.json')], 2, 'cannot read the configuration file'],
    ['a socket in a missing directory', (dir) => ['--http', `unix://${join(dir, 'none', 's')}`], 5, 'cannot listen on'],
  ])('refuses %s', async (_what, args, code, message) => {
    expect(await refusal(['serve', ...quiet, ...args(folder())])).toEqual([code, expect.stringContaining(message)]);
  });

  it('refuses a port that is in use', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void other.close());
    await new Promise((listening) => other.once('listening', listening));
    const { port } = other.address() as { port: number };
    const [code, line] = await refusal(['serve', '--dev', '--dns', 'off', '--log-level', 'error', '--http', `127.0.0.1:${port}`]);
    expect([code, line]).toEqual([5, expect.stringContaining('another program listens there')]);
  });

  it('refuses a pid file below a file, and in /proc', async () => {
    const file = join(folder(), 'file');
    writeFileSync(file, '');
    const agent = ['agent', '-dev', '-http-port=0', '-dns-port=-1', '-log-level=err'];
    expect(await refusal([...agent, `-pid-file=${join(file, 'pid')}`])).toEqual([1, expect.stringContaining('is a file, not a directory')]);
    expect(await refusal([...agent, '-pid-file=/proc/rollcall/pid'])).toEqual([1, expect.stringContaining('cannot be created')]);
  });
});

describe('commands', () => {
  const registry = sharedRegistry();
  const at = () => ['--addr', registry.url()];

  it.each<[what: string, args: (dir: string) => string[], code: number, message: string]>([
    ['a backup into a missing directory', (dir) => ['backup', join(dir, 'none', 'b'), ...at()], 1, 'no backup was written: there is no '],
    ['a backup below a file', (dir) => ['backup', join(dir, 'file', 'b'), ...at()], 1, 'is below a file'],
    ['a backup over a directory', (dir) => ['backup', dir, ...at()], 1, 'is a directory; name a file in it'],
    ['a restore of a missing file', (dir) => ['restore', join(dir, 'none'), ...at()], 1, 'cannot read the backup: there is no '],
    ['a restore of a directory', (dir) => ['restore', dir, ...at()], 1, 'cannot read the backup: '],
    ['a restore of something else', (dir) => ['restore', join(dir, 'file'), ...at()], 1, 'this backup cannot be restored'],
    ['a value from a file that is missing', (dir) => ['kv', 'put', 'a', `@${join(dir, 'none')}`, ...at()], 1, 'cannot read the value'],
    ['a token file that is missing', (dir) => ['services', '--token-file', join(dir, 'none'), ...at()], 1, 'cannot read the token file'],
    ['an audit log that is a directory', (dir) => ['audit', 'verify', dir], 1, 'cannot read the audit log: '],
    ['a check by another protocol', () => ['run', 'web', '--port', '1', '--check', 'ftp://x', ...at(), '--', 'true'], 2, '"ftp://x" is no URL of http or https'],
    ['an unreachable registry', () => ['services', '--addr', 'http://127.0.0.1:1'], 4, 'no registry answers'],
    ['TLS where there is none', () => ['services', '--addr', registry.url().replace('http:', 'https:')], 4, 'does not speak TLS'],
    ['another protocol', () => ['services', '--addr', 'ftp://127.0.0.1'], 2, 'is neither http nor https'],
  ])('refuse %s', async (_what, args, code, message) => {
    const dir = folder();
    writeFileSync(join(dir, 'file'), 'x');
    expect(await refusal(args(dir))).toEqual([code, expect.stringContaining(message)]);
  });

  /** Ends with its exit code and what stderr had; stdout is a device or a pipe that closes after a line. */
  function into(args: readonly string[], stdout: number): Promise<[code: number | null, stderr: string]> {
    const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', stdout, 'pipe'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    let stderr = '';
    child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    return new Promise((resolve) => child.on('close', (code) => resolve([code, stderr])));
  }

  it.for<() => string[]>([
    () => ['services', ...at()],
    () => ['kv', 'list', ...at()],
    () => ['watch', 'web', ...at()],
    () => ['version'],
    () => ['--help'],
  ])('say in one line that a full device took nothing', async (args, { skip }) => {
    skip(!existsSync('/dev/full'), 'this system has no /dev/full');
    const full = openSync('/dev/full', 'w');
    onTestFinished(() => closeSync(full));
    await registry.ask(['kv', 'put', 'a', 'b']);
    const message = 'rollcall: the result could not be written: there is no space left for standard output\n';
    expect(await into(args(), full)).toEqual([1, message]);
  });

  it('do not replace a device by a file', async ({ skip }) => {
    skip(!existsSync('/dev/full'), 'this system has no /dev/full');
    const device = join(folder(), 'device');
    symlinkSync('/dev/full', device);
    expect(await refusal(['backup', device, ...at()])).toEqual([1, expect.stringContaining('no backup was written: there is no space left')]);
    expect([lstatSync(device).isSymbolicLink(), statSync('/dev/full').isCharacterDevice()]).toEqual([true, true]);
  });

  it('end without an error when the reader is gone', async () => {
    for (let index = 0; index < 50; index++) await fetch(`${registry.url()}/v1/kv/many/${index}`, { method: 'PUT', body: 'x'.repeat(2_000) });
    const list = start(['kv', 'list', ...at()]);
    await new Promise((first) => list.child.stdout?.once('data', first));
    list.child.stdout?.destroy();
    const { code, stderr } = await list.ended;
    expect([code, stderr]).toEqual([0, '']);
  });
});
