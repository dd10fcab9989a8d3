/** A probe is loaded when it is first needed, and only once. */

import { expect, test, vi } from 'vitest';
import { lazyProbe } from './lazy.ts';
import type { Probe } from './probe.ts';

const never = new AbortController().signal;
const probe: Probe = () => Promise.resolve({ status: 'passing', output: 'asked' });

test('a probe is loaded at its first use, and only once', async () => {
  const load = vi.fn(() => Promise.resolve(probe));
  const lazy = lazyProbe(load);
  expect(load).not.toHaveBeenCalled();
  const answers = await Promise.all([lazy({}, never), lazy({}, never)]);
  expect(answers.map(({ output }) => output)).toEqual(['asked', 'asked']);
  expect(load).toHaveBeenCalledTimes(1);
});

test('a probe that could not be loaded fails the check, and is loaded again at the next use', async () => {
  const load = vi.fn(() => Promise.resolve(probe)).mockRejectedValueOnce(new Error('too many open files'));
  const lazy = lazyProbe(load);
  await expect(lazy({}, never)).rejects.toThrow('too many open files');
  expect(await lazy({}, never)).toMatchObject({ status: 'passing' });
});
