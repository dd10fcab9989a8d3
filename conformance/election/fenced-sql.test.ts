/** The statements of the SQL fence in a real PostgreSQL, also of two leaders whose transactions run at the same time. */

import { expect, test } from 'vitest';
import { fencedSql } from '../../packages/client/src/index.ts';
import { postgresProblem, startPostgres } from './postgres.ts';

test('PostgreSQL takes no write of a leader once it has seen a higher token, also of transactions that overlap', async ({ skip }) => {
  skip(postgresProblem !== undefined, postgresProblem);
  const { create, check } = fencedSql();
  const postgres = await startPostgres();
  try {
    const [old, next, observer] = [postgres.session(), postgres.session(), postgres.session()];
    expect(await old.run(create)).toBe('CREATE TABLE');
    expect(await old.run(create)).toContain('CREATE TABLE');
    // As a driver does that sends parameters without their types.
    for (const each of [old, next]) expect(await each.run(`PREPARE fence AS ${check}`)).toBe('PREPARE');
    const raise = (name: string, token: number | bigint) => `EXECUTE fence('${name}', '${token}')`;
    const tags: string[] = [];
    for (const [name, token] of [['a', 5], ['a', 5], ['a', 9], ['a', 8], ['b', 1], ['a', 9], ['c', 2n ** 63n - 1n], ['c', 1]] as const) tags.push(await old.run(raise(name, token)));
    expect(tags.map((tag) => tag.replace('INSERT 0 ', ''))).toEqual(['1', '1', '1', '0', '1', '1', '1', '0']);

    const waits = async () => (await observer.run("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")) === '1';
    // The new leader has checked its token and not committed yet: the check of the old one waits, and is refused.
    expect([await next.run('BEGIN'), await next.run(raise('a', 20)), await old.run('BEGIN')]).toEqual(['BEGIN', 'INSERT 0 1', 'BEGIN']);
    const late = old.run(raise('a', 10));
    await expect.poll(waits).toBe(true);
    expect(await next.run('COMMIT')).toBe('COMMIT');
    expect([await late, await old.run('ROLLBACK')]).toEqual(['INSERT 0 0', 'ROLLBACK']);

    // The old leader has checked its token and not committed yet: the new one waits until that write is done, and then leads.
    expect([await old.run('BEGIN'), await old.run(raise('a', 20))]).toEqual(['BEGIN', 'INSERT 0 1']);
    const raised = next.run(raise('a', 30));
    await expect.poll(waits).toBe(true);
    expect([await old.run('COMMIT'), await raised, await old.run(raise('a', 20))]).toEqual(['COMMIT', 'INSERT 0 1', 'INSERT 0 0']);
  } finally {
    await postgres.stop();
  }
});
