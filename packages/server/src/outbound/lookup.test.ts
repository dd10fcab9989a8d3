/** Lookups of host names are limited and shared; a failed one does not block the others. */

import { describe, expect, it } from 'vitest';
import { limitLookups, systemLookup, type Address } from './lookup.ts';

function slowLookup() {
  const asked: string[] = [];
  const answers = new Map<string, (found: Address[] | Error) => void>();
  const lookup = limitLookups((host) => {
    asked.push(host);
    return new Promise((resolve, reject) => {
      answers.set(host, (found) => (found instanceof Error ? reject(found) : resolve(found)));
    });
  });
  return { lookup, asked, answer: (host: string, found: Address[] | Error) => answers.get(host)?.(found) };
}

const one: Address[] = [{ address: '10.0.0.1', family: 4 }];
const turn = () => new Promise((next) => setImmediate(next));

describe('limited lookups', () => {
  it('run two at a time; the others wait', async () => {
    const { lookup, asked, answer } = slowLookup();
    const found = ['a', 'b', 'c', 'd'].map((host) => lookup(host));
    await turn();
    expect(asked).toEqual(['a', 'b']);
    answer('b', one);
    expect(await found[1]).toEqual(one);
    await turn();
    expect(asked).toEqual(['a', 'b', 'c']);
    answer('a', new Error('ENOTFOUND'));
    await expect(found[0]).rejects.toThrow('ENOTFOUND');
    await turn();
    expect(asked).toEqual(['a', 'b', 'c', 'd']);
    answer('c', one);
    answer('d', one);
    await Promise.all(found.slice(1));
    // No lookup is running.
    const more = [lookup('e'), lookup('f'), lookup('g')];
    await turn();
    expect(asked.slice(4)).toEqual(['e', 'f']);
    for (const host of ['e', 'f']) answer(host, one);
    await turn();
    answer('g', one);
    await Promise.all(more);
  });

  it('share one lookup of a name at a time, and ask again later', async () => {
    const { lookup, asked, answer } = slowLookup();
    const both = [lookup('a'), lookup('a')];
    await turn();
    answer('a', one);
    expect(await Promise.all(both)).toEqual([one, one]);
    const later = lookup('a');
    await turn();
    expect(asked).toEqual(['a', 'a']);
    answer('a', one);
    await later;
  });
});

describe('the system’s resolver', () => {
  it('resolves localhost', async () => {
    const found = await systemLookup('localhost');
    for (const { address, family } of found) expect(['127.0.0.1 4', '::1 6']).toContain(`${address} ${family}`);
    expect(found.length).toBeGreaterThan(0);
  });
});
