/** A time limit holds, also when memory is collected before its time is over. */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { withTimeLimit } from './time-limit.ts';

const dist = fileURLToPath(new URL('../dist/time-limit.js', import.meta.url));

/** Prints whether a signal has aborted after its time, if memory was collected before. */
const program = (made: string) => `
  const { withTimeLimit } = await import(${JSON.stringify(dist)});
  const given = new AbortController();
  const signal = ${made};
  const collected = () => new Promise((turn) => setImmediate(turn)).then(() => gc());
  for (let n = 0; n < 3; n++) await collected();
  await new Promise((over) => setTimeout(over, 300));
  console.log(signal.aborted, signal.reason?.name);
`;

const printed = (made: string) => spawnSync(process.execPath, ['--expose-gc', '--input-type=module', '-e', program(made)], { encoding: 'utf8' }).stdout;

describe('a signal with a time limit', () => {
  it('aborts when its time is over, although memory was collected meanwhile', () => {
    expect(printed('withTimeLimit(100, given.signal)')).toBe('true TimeoutError\n');
    expect(printed('withTimeLimit(100)')).toBe('true TimeoutError\n');
  });

  it('aborts with the signal that it was given, and with its reason', () => {
    const given = new AbortController();
    const signal = withTimeLimit(60_000, given.signal);
    expect(signal.aborted).toBe(false);
    given.abort('enough');
    expect([signal.aborted, signal.reason]).toEqual([true, 'enough']);
    expect(withTimeLimit(60_000, given.signal).reason).toBe('enough');
  });
});
