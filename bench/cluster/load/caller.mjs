/**
 * A client that calls a service over and over, with a disk cache, and reports how its calls ended.
 *
 *   node caller.mjs '{"servers":[…],"service":"…","cacheDir":"…"}'
 */

import { connect } from '@rollcall/client';

const { servers, service, cacheDir } = JSON.parse(process.argv[2]);
const rollcall = await connect({ servers, cacheDir, onEvent: () => {} });
const counts = { good: 0, bad: 0 };
process.on('disconnect', () => process.exit(0));
process.on('message', () => process.send(counts));
for (;;) {
  try {
    const answer = await rollcall.fetch(`http://${service}.rollcall/`);
    if ((await answer.text()) === 'ok') counts.good++;
    else counts.bad++;
  } catch (error) {
    counts.bad++;
    counts.error = String(error.cause ?? error);
  }
  await new Promise((next) => setTimeout(next, 20));
}
