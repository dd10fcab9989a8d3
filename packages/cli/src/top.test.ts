/** `rollcall top` as a process: once for scripts, and live on a real terminal (a pseudo-terminal of `script` from util-linux). */

import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { registerInstance, sharedRegistry } from './processes.case.ts';

const { url, ask } = sharedRegistry();
const binary = fileURLToPath(new URL('../bin/rollcall.mjs', import.meta.url));
const noTerminal = existsSync('/usr/bin/script') ? '' : ' (skipped: script of util-linux is not installed; apt-get install bsdutils)';

describe('once', () => {
  it('prints a table, and JSON for programs', async () => {
    await registerInstance(url(), { Name: 'web', ID: 'w1' });
    await registerInstance(url(), { Name: 'web', ID: 'w2', Check: { TTL: '60s' } });
    const table = await ask(['top', '--once', '--filter', 'WE']);
    expect(table).toMatchObject({ code: 0, stderr: '' });
    expect(table.stdout).toMatch(/^SERVICE +INSTANCES +PASSING +OTHER/);
    expect(table.stdout).toMatch(/^web +2 +1 +1 critical$/m);
    const { services, missing } = JSON.parse((await ask(['top', '--once', '--json'])).stdout) as { services: object[]; missing: string[] };
    expect(missing).toEqual([]);
    expect(services).toContainEqual({ service: 'web', instances: 2, passing: 1, critical: 1, warning: 0, starting: 0, draining: 0, maintenance: 0, watchers: 0, picksPerSecond: 0, failuresPerSecond: 0 });
  });

  it('without a terminal is the same as with --once', async () => {
    expect((await ask(['top', '--filter', 'web'])).stdout).toMatch(/^web +2 +1 +1 critical$/m);
    expect((await ask(['top', '--filter', 'none'])).stderr).toBe('rollcall: no service has "none" in its name\n');
  });

  it('is refused with another order', async () => {
    expect(await ask(['top', '--sort', 'luck'])).toMatchObject({ code: 2, stdout: '' });
  });
});

/** A process on a pseudo-terminal of 24 lines. */
function onTerminal(columns: number) {
  const command = `stty cols ${columns} rows 24; exec ${process.execPath} ${binary} top --interval 100ms --addr ${url()}`;
  const child = spawn('/usr/bin/script', ['-qefc', command, '/dev/null'], { env: { ...process.env, TERM: 'xterm', NO_COLOR: '1', ROLLCALL_WORKERS: '0' } });
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  let look = () => {};
  child.stdout.on('data', (bytes: Buffer) => {
    output += bytes.toString();
    look();
  });
  const ended = new Promise<number | null>((resolve) => child.on('close', (code) => resolve(code)));
  const seen = (pattern: RegExp) =>
    new Promise<void>((resolve) => {
      look = () => {
        if (!pattern.test(output)) return;
        look = () => {};
        resolve();
      };
      look();
    });
  /** The only child of `script`. */
  const program = () => Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim());
  return { program, ended, seen, forget: () => (output = ''), output: () => output, press: (text: string) => child.stdin.write(text) };
}

const leaves = /\x1b\[\?25h\x1b\[\?1049l/; // oxlint-disable-line no-control-regex -- what a terminal gets

describe.skipIf(noTerminal !== '')(`live${noTerminal}`, () => {
  it('shows what changes, obeys keys, and gives the terminal back', async () => {
    await registerInstance(url(), { Name: 'early', ID: 'e1' });
    const { ended, seen, forget, output, press } = onTerminal(160);
    await seen(/\x1b\[\?1049h/); // oxlint-disable-line no-control-regex -- what a terminal gets
    await seen(/early +1 +1/);
    await registerInstance(url(), { Name: 'later', ID: 'l1' });
    await seen(/later +1 +1/);
    press('f');
    await seen(/by failures/);
    press('/late\r');
    await seen(/filter late/);
    forget();
    await seen(/later/);
    expect(output()).not.toMatch(/early +1/);
    press('q');
    expect(await ended).toBe(0);
    expect(output()).toMatch(leaves);
  });

  it('gives the terminal back after Ctrl-C and after a signal', async () => {
    for (const [stop, code] of [['\x03', 130], ['SIGTERM', 143]] as const) {
      const { ended, seen, output, press, program } = onTerminal(80);
      await seen(/SERVICE/);
      if (stop === 'SIGTERM') process.kill(program(), stop);
      else press(stop);
      expect([stop, await ended]).toEqual([stop, code]);
      expect(output()).toMatch(leaves);
    }
  });
});
