/** A lock with thousands of contenders is written in many slices, as it was at one moment. */

import { expect, test } from 'vitest';
import { Pace } from '../../net/turns.ts';
import { Journal } from '../../registry/journal.case.ts';
import type { Command } from '../../registry/kinds.ts';
import { say } from '../../replica/shared-commands.case.ts';
import { oneLock } from './one-lock.ts';

const count = 2_000;
const perSliceMax = 600;

test.each([1, count])('a lock with a limit of %i', (limit) => {
  const journal = new Journal();
  const range = (make: (at: number) => Command) => Array.from({ length: count }, (_, at) => make(at));
  journal.commit([say.node('n1'), ...range((at) => say.session(`s${at}`, 'n1'))]);
  journal.commit(range((at) => ({ ...say.lock('job', `s${at}`), limit })));
  const frozen = journal.state.freeze();
  let looks = 0;
  const get = frozen.get.bind(frozen);
  frozen.get = (key) => {
    looks++;
    return get(key);
  };
  const pace = new Pace();
  const work = oneLock(frozen, { namespace: 'default', name: 'job', can: ['read'], seesAddresses: false }, pace);
  const slices: number[] = [];
  let text = '';
  for (let at = 0; text === ''; at++) {
    pace.renew();
    const before = looks;
    const { done, value } = work.next();
    slices.push(looks - before);
    if (done === true) text = Buffer.concat(value.buffers).toString();
    // Contenders that leave meanwhile were there at that moment.
    else journal.commit([say.unlock('job', `s${at}`), say.destroy(`s${count - 1 - at}`)]);
  }
  frozen.close();
  expect(slices.length).toBeGreaterThan(3);
  expect(Math.max(...slices)).toBeLessThanOrEqual(perSliceMax);
  const { holders, waiting, ...about } = JSON.parse(text) as { readonly holders: readonly { contender: string; ttlMs?: number }[]; readonly waiting: readonly { contender: string }[] };
  expect(about).toEqual({ namespace: 'default', name: 'job', limit, can: ['read'] });
  expect([...holders, ...waiting].map(({ contender }) => contender)).toEqual(Array.from({ length: count }, (_, at) => `s${at}`));
  expect(holders).toHaveLength(limit);
});
