/** Liveness for tests of front ends: it watches nothing, and every stream opens. */

import type { Health } from './health.ts';

export const idleHealth: Health = {
  holder: 'this-node',
  beat: () => Promise.resolve(false),
  restart: () => undefined,
  output: () => undefined,
  renewedMsAgo: () => undefined,
  probe: () => Promise.resolve(undefined),
  renewSession: () => false,
  streamOpened: () => Promise.resolve(true),
  streamClosed: () => Promise.resolve(),
  streamDismissed: () => {},
};
