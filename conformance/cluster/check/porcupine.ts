/**
 * Gives histories to porcupine, the checker of linearizability in Go. Builds the program in `../porcupine` if it is missing.
 */

import { spawn } from 'node:child_process';
import { buildPorcupine } from '../build-porcupine.mjs';
import type { KeyOperation } from './key-model.ts';
import type { LockOperation } from './lock-model.ts';

export type JudgedHistory =
  | { readonly kind: 'key'; readonly operations: readonly KeyOperation[] }
  | { readonly kind: 'lock'; readonly operations: readonly LockOperation[] };

/** Why porcupine cannot be asked on this machine; undefined when it can. */
export function porcupineProblem(): string | undefined {
  return buildPorcupine().problem;
}

/**
 * @param limitMs longest time for one history; 0 is no limit
 * @returns for each history whether it is linearizable; undefined when porcupine gave up
 * @throws Error when the program is missing or fails
 */
export async function askPorcupine(histories: readonly JudgedHistory[], limitMs: number): Promise<(boolean | undefined)[]> {
  const { programs, problem } = buildPorcupine();
  if (programs === undefined) throw new Error(problem);
  const child = spawn(programs['porcupine'] ?? '', [`${limitMs}ms`], { stdio: ['pipe', 'pipe', 'inherit'] });
  let answers = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (answers += text));
  const ended = new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
  // `Infinity` and undefined become null, which means an unknown outcome to the program; it reads times as integers.
  const whole = (at: number): number => Math.round(at * 1e6);
  for (const { kind, operations } of histories) {
    const timed = operations.map((operation) => ({ ...operation, call: whole(operation.call), return: whole(operation.return) }));
    child.stdin.write(`${JSON.stringify({ kind, operations: timed })}\n`);
  }
  child.stdin.end();
  const code = await ended;
  if (code !== 0) throw new Error(`porcupine ended with ${code}`);
  return answers.trim().split('\n').map((line) => (line === 'null' ? undefined : line === 'true'));
}
