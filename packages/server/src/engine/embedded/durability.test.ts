/**
 * What the system calls say: nothing is acknowledged before it is on the disk, and after a flush has
 * failed nothing is written any more. Runs the built `dist` under strace; left out without it.
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

/** Runs the script under strace; returns what it wrote and the calls that matter, in their order. */
async function trace(dir: string, ...inject: string[]): Promise<{ lines: string[]; calls: string[] }> {
  const log = `${dir}.strace`;
  const calls = 'trace=openat,pwrite64,writev,fdatasync,write';
  const { stdout } = spawnSync(
    'strace',
    ['-f', '-y', '-o', log, '-e', calls, ...inject, process.execPath, '--input-type=module', '-e', script, dir],
    { encoding: 'utf8' },
  );
  const path = join(dir, 'rollcall.mdb');
  const matters = (await readFile(log, 'utf8')).split('\n').flatMap((line) => {
    if (/write\(1<.*"(ack|[a-z_]+) \d+\\n"/.test(line)) return ['answer'];
    if (line.includes('O_DSYNC') && line.includes(`${path}"`)) return [`synchronous ${/= (\d+)</.exec(line)?.[1]}`];
    // A call that another thread interrupted is told in two lines; the end is what counts.
    if (line.includes('fdatasync') && !line.includes('.new>') && /= 0\b/.test(line)) return ['flushed'];
    if (line.includes('fdatasync') && /= -1 EIO/.test(line)) return ['flush failed'];
    const write = /(?:pwrite64|writev)\((\d+)</.exec(line);
    return write !== null && line.includes(`${path}>`) ? [`write ${write[1]}`] : [];
  });
  return { lines: stdout.trim().split('\n'), calls: matters };
}

describe.skipIf(probe.status !== 0)(`system calls${reason}`, () => {
  it(`exist to be traced in ${fileURLToPath(built).slice(-30)}`, async () => {
    await expect(readFile(fileURLToPath(built)), 'run `npx tsc -b` first').resolves.toBeDefined();
  });

  it('flush the records, and then write the head through, before each acknowledgement', async () => {
    const { lines, calls } = await trace(await scratch());
    expect(lines).toEqual(Array.from({ length: 12 }, (_, index) => `ack ${index + 1}`));
    const synchronous = new Set(calls.flatMap((call) => (call.startsWith('synchronous') ? [call.split(' ')[1]] : [])));
    expect(synchronous.size).toBeGreaterThan(0);
    const kinds = calls.flatMap((call) => {
      const [kind, fd] = call.split(' ');
      if (kind !== 'write') return [kind];
      return [synchronous.has(fd) ? 'head' : 'records'];
    });
    const rounds = kinds.join(' ').split('answer').slice(0, 12);
    expect(rounds).toHaveLength(12);
    for (const round of rounds) expect(round).toMatch(/records (records )*flushed head $/);
  }, 30_000);

  it('stop after a flush that failed, and what was acknowledged before is there', async () => {
    const dir = await scratch();
    const { lines, calls } = await trace(dir, '-e', 'inject=fdatasync:error=EIO:when=3+');
    const acknowledged = lines.filter((line) => line.startsWith('ack')).length;
    expect(acknowledged).toBeGreaterThan(0);
    expect(lines[acknowledged]).toBe(`unknown_outcome ${acknowledged + 1}`);
    expect(lines.slice(acknowledged + 1).every((line) => line.startsWith('unavailable'))).toBe(true);
    expect(lines).toHaveLength(12);
    const failed = calls.indexOf('flush failed');
    expect(calls.slice(failed + 1).filter((call) => call !== 'answer')).toEqual([]);

    const engine = await embedded({ dir });
    expect(await engine.barrier()).toBe(acknowledged);
    await engine.close();
  }, 30_000);
});
