import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { manualClock } from '../../manual-clock.case.ts';
import { memory } from '../../engine/memory/memory.ts';
import { Replica } from '../../replica.ts';
import { leaseOrdinal, ordinalPrefix } from './ordinals.ts';

let replica: Replica;

beforeEach(async () => {
  const onFatal = (error: unknown) => {
    throw error;
  };
  replica = new Replica({ engine: memory(), clock: manualClock(), onFatal });
  await replica.start();
  await replica.submit({ kind: 'register', namespace: 'default', nodeMode: 'ensure', node: { name: 'n', address: '10.0.0.1' } });
});

afterEach(() => replica.close());

async function session(): Promise<string> {
  const id = randomUUID();
  const life = { liveness: 'stream', ttlMs: 10_000, lockDelayMs: 0, behavior: 'delete', checks: [] } as const;
  await replica.submit({ kind: 'session-create', namespace: 'default', id, name: 'client', node: 'n', ...life });
  return id;
}

const lease = (id: string, service = 'web', namespace = 'default') => leaseOrdinal(replica, { namespace: 'default', id }, { namespace, service });
const ofWeb = ordinalPrefix({ namespace: 'default', service: 'web' }, 'default');
const end = (id: string) => replica.submit({ kind: 'session-destroy', namespace: 'default', id });

describe('ordinals', () => {
  it('are dense from 0, one for each session, also when all request one at once', async () => {
    const sessions = await Promise.all(Array.from({ length: 50 }, session));
    const leased = await Promise.all(sessions.map((id) => lease(id)));
    expect(leased.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, n) => n));
  });

  it('are one for each session when a whole fleet requests them at once', async () => {
    const sessions = await Promise.all(Array.from({ length: 500 }, session));
    const leased = await Promise.all(sessions.map((id) => lease(id)));
    expect(new Set(leased).size).toBe(500);
    expect(Math.max(...leased)).toBeLessThan(2000);
  });

  it('are not other keys that a session holds below the same name', async () => {
    const id = await session();
    await replica.submit({ kind: 'kv-put', namespace: 'default', key: `${ofWeb}mine`, value: new Uint8Array(), flags: 0n, condition: { kind: 'acquire', session: id } });
    expect(await lease(id)).toBe(0);
  });

  it('stay the same for a session that requests one again', async () => {
    const [a, b] = [await session(), await session()];
    expect([await lease(a), await lease(b), await lease(a), await lease(b)]).toEqual([0, 1, 0, 1]);
  });

  it('are counted separately for each pool', async () => {
    const id = await session();
    await lease(await session());
    expect([await lease(id, 'web'), await lease(id, 'db')]).toEqual([1, 0]);
  });

  it('are counted separately for services of the same name in two namespaces', async () => {
    const [a, b] = [await session(), await session()];
    expect([await lease(a, 'web'), await lease(b, 'web', 'team-a'), await lease(a, 'web', 'team-a')]).toEqual([0, 0, 1]);
    // A namespace of the same name as a service shares no key with its pool.
    expect(await lease(b, 'team-a')).toBe(0);
  });

  it('end with their session, and the smallest free one is used next', async () => {
    const sessions = [await session(), await session(), await session()];
    for (const id of sessions) await lease(id);
    await end(sessions[1] as string);
    expect(await lease(await session())).toBe(1);
    expect(await lease(await session())).toBe(3);
  });

  it('replace a key that an operator wrote by hand', async () => {
    await replica.submit({ kind: 'kv-put', namespace: 'default', key: `${ofWeb}0`, value: new Uint8Array([1]), flags: 0n });
    await replica.submit({ kind: 'kv-put', namespace: 'default', key: `${ofWeb}mine`, value: new Uint8Array(), flags: 0n });
    expect(await lease(await session())).toBe(0);
  });

  it('are refused to a session that has ended', async () => {
    const id = await session();
    await end(id);
    await expect(lease(id)).rejects.toThrow(/invalid session/);
  });

  it('are held by one session each, in every order of joining and leaving', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(5), { maxLength: 30 }), async (steps) => {
        const living: string[] = [];
        const pool = randomUUID();
        for (const step of steps) {
          if (step < 3 || living.length === 0) living.push(await session());
          else await end(living.splice(step % living.length, 1)[0] as string);
          const held = await Promise.all(living.map((id) => lease(id, pool)));
          expect(new Set(held).size).toBe(living.length);
        }
        for (const id of living) await end(id);
      }),
      { numRuns: 30 },
    );
  });
});
