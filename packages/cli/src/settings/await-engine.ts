/**
 * Opens the store of a server that starts. A store on other machines may start at the same time as this server, or have no leader yet:
 * the server tries for some seconds before it gives up.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { isRegistryError } from '@rollcall/protocol';
import type { Engine } from '@rollcall/server';

/** For so long a server waits for a store that does not answer. */
const patienceMs = 10_000;
const pauseMs = 500;

/**
 * @param open tries once
 * @param log gets one warning with the reason while the server waits
 * @param stopped resolves when the server is asked to stop
 * @returns undefined when the server was asked to stop while it waited
 * @throws RegistryError as `open`; `unavailable` after 10 seconds
 */
export async function awaitEngine(
  open: () => Promise<Engine>,
  log: { warn(facts: object, message: string): void },
  stopped: Promise<unknown>,
): Promise<Engine | undefined> {
  const until = performance.now() + patienceMs;
  for (let first = true; ; first = false) {
    try {
      return await open();
    } catch (error) {
      if (!isRegistryError(error, 'unavailable') || performance.now() >= until) throw error;
      if (first) log.warn({ reason: error.message }, `the store does not answer yet; this server tries for ${patienceMs / 1_000} s`);
    }
    const asked = await Promise.race([sleep(pauseMs, false), stopped.then(() => true)]);
    if (asked) return undefined;
  }
}
