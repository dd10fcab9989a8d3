/** Waiting for a client to see something. */

import type { NacosClient } from './start.mjs';

/**
 * Asks every 20 ms until the client sees these lines.
 * @returns milliseconds that it took
 * @throws Error with what it saw last
 */
export async function untilSeen(client: NacosClient, what: string, parameters: Record<string, string>, lines: readonly string[], timeoutMs = 60_000): Promise<number> {
  const started = performance.now();
  let last: string[] | string = [];
  while (performance.now() - started < timeoutMs) {
    // A client that has no connection just now answers with an error.
    last = await client.lines(what, parameters).catch((error: Error) => error.message);
    if (JSON.stringify(last) === JSON.stringify(lines)) return performance.now() - started;
    await new Promise((next) => setTimeout(next, 20));
  }
  throw new Error(`${what} ${JSON.stringify(parameters)} gives ${JSON.stringify(last)} and not ${JSON.stringify(lines)} after ${timeoutMs / 1_000} s`);
}
