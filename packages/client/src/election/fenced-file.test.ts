/** A fenced file: what old holders can do at any moment, and what readers see. */

import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LeadershipLostError } from '../lock/lost-error.ts';
import { FencedFile } from './fenced-file.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'fenced-'));
});
afterEach(() => rmSync(root, { recursive: true }));

const path = () => join(root, 'file');
const holder = (token: bigint) => ({ name: 'l', token });
const content = async (file = new FencedFile(path())) => (await file.read())?.toString();

describe('a fenced file', () => {
  it('has no content at first, then that of the last write', async () => {
    const file = new FencedFile(path());
    expect(await content(file)).toBeUndefined();
    await file.write(holder(5n), 'a');
    await file.write(holder(5n), 'b');
    expect(await content()).toBe('b');
    expect(readdirSync(path())).toEqual(['00000000000000000005']);
  });

  it('a newer holder keeps the content, and from then on the older one writes nothing', async () => {
    const [old, young] = [new FencedFile(path()), new FencedFile(path())];
    await old.write(holder(5n), 'old');
    await young.raise(holder(9n));
    expect(await content()).toBe('old');
    await expect(old.write(holder(5n), 'late')).rejects.toThrow(LeadershipLostError);
    await expect(old.write(holder(5n), 'late')).rejects.toThrow('token 5 of "l" is too old; the file was raised to 9');
    await expect(new FencedFile(path()).raise(holder(8n))).rejects.toThrow(LeadershipLostError);
    expect(await content()).toBe('old');
    await young.write(holder(9n), 'new');
    expect(await content()).toBe('new');
    expect(readdirSync(path())).toEqual(['00000000000000000009']);
  });

  it('is raised also when a process died between its steps', async () => {
    const old = new FencedFile(path());
    await old.write(holder(5n), 'old');
    // One had created its folder and no more, another one has left a draft.
    mkdirSync(join(path(), '00000000000000000007'));
    await new FencedFile(path()).raise(holder(9n));
    expect(await content()).toBe('old');
    expect(readdirSync(path())).toEqual(['00000000000000000009']);
  });

  it('for any order of holders that race, the accepted writes have rising tokens, and the last one is read', async () => {
    const accepted: bigint[] = [];
    const race = async (token: bigint) => {
      const file = new FencedFile(path());
      for (let nth = 0; nth < 10; nth++) {
        try {
          await file.write(holder(token), `${token} ${nth}`);
          accepted.push(token);
        } catch (error) {
          expect(error).toBeInstanceOf(LeadershipLostError);
          return;
        }
      }
    };
    await Promise.all([3n, 1n, 4n, 2n, 5n].map(race));
    expect(accepted.at(-1)).toBe(5n);
    expect(await content()).toBe('5 9');
  });
});
