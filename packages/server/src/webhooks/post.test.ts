/** A receiver that does not answer, and one whose name is never resolved, end a delivery in time. */

import { expect, it } from 'vitest';
import { manualClock, pass } from '../manual-clock.case.ts';
import type { Send } from '../outbound/http-request.ts';
import { post } from './post.ts';

const hook = { url: 'http://example.org/', secret: `whsec_${Buffer.alloc(32, 1).toString('base64')}` };
const message = { id: 'msg_1', type: 'test', body: '{}', atMs: 0, about: '', foundAt: 0 };
const silent: Send = () => new Promise(() => {});

it('after 15 s', async () => {
  const clock = manualClock();
  const outcome = post(hook, message, { send: silent, clock, closing: new AbortController().signal });
  await pass(clock, 15_000);
  expect(await outcome).toEqual({ delivered: false, error: 'no answer within 15 s' });
});

it('at once when the server closes, before it and during it', async () => {
  const closing = new AbortController();
  const options = { send: silent, clock: manualClock(), closing: closing.signal };
  const during = post(hook, message, options);
  closing.abort();
  expect(await during).toMatchObject({ delivered: false });
  expect(await post(hook, message, options)).toMatchObject({ delivered: false });
});
