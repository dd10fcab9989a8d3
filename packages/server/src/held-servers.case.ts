/** Two servers on one store, of which the test holds back the feed of the first; for tests of stale answers. */

import { onTestFinished } from 'vitest';
import { heldEngine, type HeldEngine } from './engine/held-engine.case.ts';
import { memory } from './engine/memory/memory.ts';
import { manualClock, type ManualClock } from './manual-clock.case.ts';
import { createServer, type Server, type ServerOptions } from './server.ts';

export interface HeldServers {
  readonly held: HeldEngine;
  /** Its feed and its clock are in the hands of the test. */
  readonly one: Server;
  readonly other: Server;
  readonly clock: ManualClock;
}

/** Both are closed when the test ends. @param options of both */
export async function heldServers(options: ServerOptions = {}): Promise<HeldServers> {
  const engine = memory();
  const held = heldEngine(engine);
  const clock = manualClock();
  const one = await createServer({ ...options, http: { port: 0 }, engine: held.engine, clock, nodeName: 'one' });
  onTestFinished(() => one.close());
  const other = await createServer({ ...options, http: { port: 0 }, engine: { ...engine, exclusive: false }, nodeName: 'other' });
  onTestFinished(() => other.close());
  return { held, one, other, clock };
}
