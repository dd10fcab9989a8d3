/**
 * Leaders as real processes, stopped, killed and cut off: no two of them believe at one moment that they lead, and the fenced file takes their writes in the
 * order of their tokens. The times are of the monotonic clock that all processes of a machine share.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { serve, startNode, type Process } from '../../packages/cli/src/processes.case.ts';
import { FencedFile } from '../../packages/client/src/index.ts';
import { faultProxy } from '../cluster/fault/proxy.ts';

const program = fileURLToPath(new URL('leader.mjs', import.meta.url));

interface Line {
  readonly name: string;
  readonly at: number;
  readonly what: 'leads' | 'stops' | 'believes' | 'wrote' | 'refused' | 'failed';
  readonly token: string;
}

const linesOf = ({ stdoutBytes }: Process): Line[] => stdoutBytes().toString().split('\n').filter((line) => line.endsWith('}')).map((line) => JSON.parse(line) as Line);

test('a leader that is stopped, cut off or killed stops believing before the next one leads', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'election-'));
  const registry = await serve();
  const { hostname, port } = new URL(registry.url);
  const proxy = await faultProxy(() => ({ host: hostname, port: Number(port) }));
  let processes = new Map<string, Process>();
  try {
    processes = new Map(['one', 'two', 'three'].map((name) => [name, startNode([program, name === 'one' ? `http://${proxy.host}:${proxy.port}` : registry.url, name, join(folder, 'file')])]));
    /** Waits until another than these leads, and has written. */
    const leader = async (not: readonly string[] = []): Promise<string> => {
      for (;;) {
        const last = [...processes.values()].flatMap(linesOf).filter(({ what }) => what === 'wrote').sort((a, b) => (BigInt(a.token) < BigInt(b.token) ? -1 : 1)).at(-1);
        if (last !== undefined && !not.includes(last.name)) return last.name;
        await sleep(20);
      }
    };
    const stopped = await leader();
    processes.get(stopped)?.child.kill('SIGSTOP');
    const second = await leader([stopped]);
    processes.get(stopped)?.child.kill('SIGCONT');
    await processes.get(stopped)?.seen(/"stops"/);
    // No packet of the first process arrives, in either direction, for longer than its lease.
    proxy.set({ up: { blocked: true }, down: { blocked: true } });
    if (second === 'one') await leader(['one']);
    proxy.heal();
    const third = await leader();
    processes.get(third)?.child.kill('SIGKILL');
    await leader([third]);

    // No process writes after the lines below.
    for (const { child } of processes.values()) child.kill('SIGKILL');
    await Promise.all([...processes.values()].map(({ ended }) => ended));
    const all = [...processes.values()].flatMap(linesOf).sort((a, b) => a.at - b.at);
    const tokens = [...new Set(all.map(({ token }) => token))].sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1));
    expect(tokens.length).toBeGreaterThanOrEqual(3);
    for (const [nth, token] of tokens.entries()) {
      const [before] = tokens.slice(nth + 1);
      const next = all.find((line) => line.token === before && line.what === 'leads')?.at ?? Infinity;
      expect(all.filter((line) => line.token === token && line.what === 'believes' && line.at >= next)).toEqual([]);
    }
    expect(all.filter(({ what }) => what === 'failed')).toEqual([]);
    const content = String(await new FencedFile(join(folder, 'file')).read());
    // The last leader may have been killed between a write and its line, or before its first write.
    const told = all.filter(({ what }) => what === 'wrote').reduce((most, { token }) => (BigInt(token) > most ? BigInt(token) : most), 0n);
    const last = content.split(' ')[1] ?? '';
    expect(tokens).toContain(last);
    expect(BigInt(last)).toBeGreaterThanOrEqual(told);
  } finally {
    const all = [registry, ...processes.values()];
    for (const { child } of all) child.kill('SIGKILL');
    // They write into the folder until they have ended.
    await Promise.all(all.map(({ ended }) => ended));
    await proxy.close();
    rmSync(folder, { recursive: true });
  }
});
