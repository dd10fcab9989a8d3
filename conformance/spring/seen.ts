/** What a Spring application sees of others, and waiting for it to see something. */

import type { SpringApplication } from './application.mjs';

/** Ids and addresses of an application's instances, as the discovery client of another one knows them. */
export async function instancesSeen(by: SpringApplication, name: string): Promise<string[]> {
  return (await (await fetch(`${by.url}/instances/${name}`)).json()) as string[];
}

/**
 * Looks every 50 ms until it is true.
 * @returns milliseconds that it took
 * @throws Error that names what did not become true
 */
export async function untilTrue(what: string, condition: () => Promise<boolean>, timeoutMs = 120_000): Promise<number> {
  const started = performance.now();
  while (performance.now() - started < timeoutMs) {
    if (await condition()) return performance.now() - started;
    await new Promise((next) => setTimeout(next, 50));
  }
  throw new Error(`not after ${timeoutMs / 1_000} s: ${what}`);
}
