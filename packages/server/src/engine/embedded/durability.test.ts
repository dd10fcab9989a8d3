/**
 * The system calls show that a commit is acknowledged only once it is on the disk, and that nothing is written
 * after a failed write. Runs the built `dist` under strace, on Linux; skipped without it.
 */

import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { embedded } from './embedded.ts';
import { scratchDirectories } from './scratch.case.ts';

const scratch = scratchDirectories();
const built = new URL('../../../dist/engine/embedded/embedded.js', import.meta.url).href;
const probe = spawnSync('strace', ['-f', '-e', 'trace=none', 'true']);
const reason = probe.status === 0 ? '' : ` (left out: strace does not run here: ${String(probe.stderr ?? probe.error).trim()})`;

/** Commits one after the other and writes a line for each outcome, before the next begins. */
const script = `
  import { writeSync } from 'node:fs';
  const { embedded } = await import(${JSON.stringify(built)});
  const engine = await embedded({ dir: process.argv[1] });
  for (let number = 1; number <= 12; number++) {
    const put = [{ key: 'k' + number, value: Buffer.alloc(number * 900) }, { key: 'shared', value: Buffer.of(number) }];
    const line = await engine.commit({ expect: [], put, delete: [] }).then(() => 'ack', (error) => error.code);
    writeSync(1, line + ' ' + number + '\\n');
  }
  process.exit(0);`;

/** Runs the script under strace; returns what it wrote and the calls on the log, in their order. */
async function trace(dir: string, ...inject: string[]): Promise<{ lines: string[]; calls: string[] }> {
  const output = `${dir}.strace`;
  const calls = 'trace=openat,pwrite64,fdatasync,write';
  const { stdout } = spawnSync(
    'strace',
    ['-f', '-y', '-o', output, '-e', calls, ...inject, process.execPath, '--input-type=module', '-e', script, dir],
    { encoding: 'utf8' },
  );
  const log = join(dir, 'rollcall-00000001.log');
  const unfinished = new Set<string>();
  const named = (call = '', result = '') => (result === '-1' ? `${call} failed` : call);
  const matters = (await readFile(output, 'utf8')).split('\n').flatMap((line) => {
    if (/write\(1<.*"[a-z_]+ \d+\\n"/.test(line)) return ['answer'];
    if (line.includes(`"${log}"`) && line.includes('O_DSYNC')) return ['opened to write through'];
    const [thread = ''] = line.split(' ', 1);
    const call = /\b(pwrite64|fdatasync)\(\d+<(.*?)>.*?(?:= (-?\d+)|unfinished)/.exec(line);
    // strace splits a call in two lines when a call of another thread comes between; the second has the result.
    const resumed = /<\.\.\. (pwrite64|fdatasync) resumed>.*= (-?\d+)/.exec(line);
    if (resumed !== null && unfinished.delete(thread)) return [named(resumed[1], resumed[2])];
    if (call?.[2] !== log) return [];
    if (call[3] !== undefined) return [named(call[1], call[3])];
    unfinished.add(thread);
    return [];
  });
  return { lines: stdout.trim().split('\n'), calls: matters };
}

describe.skipIf(probe.status !== 0)(`system calls${reason}`, () => {
  it(`exist to be traced in ${fileURLToPath(built).slice(-30)}`, async () => {
    await expect(readFile(fileURLToPath(built)), 'run `npx tsc -b` first').resolves.toBeDefined();
  });

  it('write through to the disk before each acknowledgement', async () => {
    const { lines, calls } = await trace(await scratch());
    expect(lines).toEqual(Array.from({ length: 12 }, (_, index) => `ack ${index + 1}`));
    expect(calls[0]).toBe('opened to write through');
    // Each commit takes one write, and nothing is written between an acknowledgement and the next commit.
    expect(calls.slice(1, 25)).toEqual(Array.from({ length: 12 }, () => ['pwrite64', 'answer']).flat());
  });

  it('stop after a failed write, and keep the transactions that were acknowledged before', async () => {
    const dir = await scratch();
    const { lines, calls } = await trace(dir, '-e', 'inject=pwrite64:error=EIO:when=3+');
    const acknowledged = lines.filter((line) => line.startsWith('ack')).length;
    expect(acknowledged).toBeGreaterThan(0);
    expect(lines[acknowledged]).toBe(`unknown_outcome ${acknowledged + 1}`);
    expect(lines.slice(acknowledged + 1).every((line) => line.startsWith('unavailable'))).toBe(true);
    expect(lines).toHaveLength(12);
    const failed = calls.indexOf('pwrite64 failed');
    expect(calls.slice(failed + 1).filter((call) => call !== 'answer')).toEqual([]);

    const engine = await embedded({ dir });
    expect(await engine.barrier()).toBe(acknowledged);
    await engine.close();
  });
});
