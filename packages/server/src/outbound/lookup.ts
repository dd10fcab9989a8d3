/**
 * Resolves host names that clients give, without delay for the rest of the process. The system's resolver
 * (`getaddrinfo`) blocks one of libuv's four worker threads per name, cannot be aborted, and takes tens
 * of seconds when DNS is down; the store commits on the same threads. So lookups use at most half of
 * them, and there is only one lookup of a name at a time.
 */

import { lookup as dnsLookup } from 'node:dns/promises';

export interface Address {
  readonly address: string;
  readonly family: 4 | 6;
}

/** Every address of a host name, in order of preference. */
export type Lookup = (host: string) => Promise<readonly Address[]>;

/** The system's resolver, `/etc/hosts` included. */
export const systemLookup: Lookup = async (host) => {
  const found = await dnsLookup(host, { all: true });
  return found.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }));
};

const threadsMax = 2;

/** Limits how many lookups run at once; at most one for each name runs or waits. */
export function limitLookups(lookup: Lookup): Lookup {
  const asked = new Map<string, Promise<readonly Address[]>>();
  const waiting: (() => void)[] = [];
  let running = 0;

  async function run(host: string): Promise<readonly Address[]> {
    if (running >= threadsMax) await new Promise<void>((turn) => waiting.push(turn));
    else running++;
    try {
      return await lookup(host);
    } finally {
      asked.delete(host);
      // The next waiting lookup starts.
      const next = waiting.shift();
      if (next === undefined) running--;
      else next();
    }
  }

  return (host) => {
    const before = asked.get(host);
    if (before !== undefined) return before;
    const answer = run(host);
    asked.set(host, answer);
    return answer;
  };
}
