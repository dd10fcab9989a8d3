/** moleculer: its own transport, round robin, a second for each try, three retries and breakers. */

import { moleculerBroker } from './moleculer-broker.mjs';

export const backends = 'moleculer';

export async function open({ callerPort = Number(process.env.ROLLCALL_BENCH_CALLER_PORT) }) {
  const broker = moleculerBroker('caller', callerPort);
  await broker.start();
  await broker.waitForServices('web', 10_000);
  return {
    async ask() {
      await broker.call('web.get');
      return 200;
    },
  };
}
