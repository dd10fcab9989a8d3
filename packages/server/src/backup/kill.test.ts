/**
 * Kills a process that restores large backups, and opens its store: it must hold the registry of the last acknowledged
 * restore or of the one after it, and no row of any other. Runs the built `dist`, so `npx tsc -b` comes first.
 */

import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { embedded } from '../engine/embedded/embedded.ts';
import { manualClock } from '../manual-clock.case.ts';
import { kvKeysUnder } from '../registry/kind/kv/find.ts';
import { Replica } from '../replica.ts';

const script = fileURLToPath(new URL('kill-restorer.mjs', import.meta.url));

interface Life {
  readonly acknowledged: number;
  readonly revision: number;
  readonly begun: number;
}

/** Runs the process until a restore has begun after `restores` were acknowledged, and for `extraMs` longer. */
function live(dir: string, first: number, restores: number, extraMs: number): Promise<Life> {
  return new Promise((ended, failed) => {
    const child = spawn(process.execPath, [script, dir, String(first)], { stdio: ['ignore', 'pipe', 'pipe'] });
    let [text, errors, killing] = ['', '', false];
    const last = (what: string) => text.match(new RegExp(`^${what} .*$`, 'gm'))?.at(-1)?.split(' ').slice(1).map(Number) ?? [];
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (killing || (last('begin')[0] ?? -1) < first + restores) return;
      killing = true;
      setTimeout(() => child.kill('SIGKILL'), extraMs);
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (errors += chunk));
    child.on('error', failed);
    child.on('close', (code, signal) => {
      const [acknowledged = -1, revision = 0] = last('ack');
      if (signal === 'SIGKILL') ended({ acknowledged, revision, begun: last('begin')[0] ?? -1 });
      else failed(new Error(`the process ended by itself (${code ?? signal}): ${errors}`));
    });
  });
}

/** The registry that a store holds, which must be whole. */
async function lookAt(dir: string): Promise<{ number: number; revision: number }> {
  const engine = await embedded({ dir });
  const onFatal = (error: Error) => expect.unreachable(error.message);
  const replica = new Replica({ engine, clock: manualClock(), onFatal });
  await replica.start();
  const { state } = replica;
  const values = new Set(Array.from(state.rows(), ([, row]) => (row.kind === 'kv' ? Buffer.from(row.value).toString() : row.kind)));
  await replica.close();
  await engine.close();
  const number = Number([...values].find((each) => each.startsWith('value'))?.slice('value '.length));
  expect([...values].sort()).toEqual(['floor', `value ${number}`]);
  expect(state.sizeOf('kv')).toBe(12_001);
  expect([...kvKeysUnder(state, 'default', 'only-')]).toEqual([`only-${number}`]);
  return { number, revision: state.revision };
}

describe('kill -9 while a backup is restored', () => {
  test('leaves either the old or the restored registry, and never loses an acknowledged restore', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'rollcall-kill-restore-'));
    try {
      let next = 0;
      let revision = 0;
      let before = -1;
      for (let kill = 0; kill < 12; kill++) {
        // A restore takes some 200 ms, so that the kills hit all of its stages.
        const life = await live(dir, next, kill === 0 ? 1 : kill % 2, kill * 25);
        const found = await lookAt(dir);
        const acknowledged = Math.max(life.acknowledged, before);
        expect(found.number).toBeGreaterThanOrEqual(acknowledged);
        expect(found.number).toBeLessThanOrEqual(life.begun);
        expect(found.revision).toBeGreaterThanOrEqual(Math.max(life.revision, revision));
        ({ number: before, revision } = found);
        next = life.begun + 1;
      }
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });
});
