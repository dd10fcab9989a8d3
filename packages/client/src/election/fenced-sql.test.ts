/** The statements of the SQL fence, run by SQLite as it comes with Python. */

import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { fencedSql } from './fenced-sql.ts';

const script = `
import sqlite3, sys, json
create, check, tokens = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
db = sqlite3.connect(':memory:')
db.execute(create)
db.execute(create)
print(json.dumps([db.execute(check, (name, token)).rowcount for name, token in tokens]))
`;

const missing = spawnSync('python3', ['-c', 'import sqlite3; assert sqlite3.sqlite_version_info >= (3, 24)']).status === 0 ? '' : 'python3 with sqlite3 is missing';

describe('the SQL fence', () => {
  it.skipIf(missing !== '')(`changes a row for a token that is not too old, and none for an older one${missing === '' ? '' : ` (skipped: ${missing})`}`, () => {
    const { create, check } = fencedSql({ placeholders: '?' });
    const tokens = [['a', 5], ['a', 5], ['a', 9], ['a', 8], ['b', 1], ['a', 9]];
    const { stdout, stderr } = spawnSync('python3', ['-c', script, create, check, JSON.stringify(tokens)], { encoding: 'utf8' });
    expect([stderr, JSON.parse(stdout || 'null')]).toEqual(['', [1, 1, 1, 0, 1, 1]]);
  });

  it('has the placeholders of PostgreSQL, and refuses a table that is no plain name', () => {
    expect(fencedSql({ table: 'fences' }).check).toBe('INSERT INTO fences (name, token) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET token = excluded.token WHERE fences.token <= excluded.token');
    expect(() => fencedSql({ table: 'a; DROP TABLE b' })).toThrow('it must be letters, digits and underscores');
  });
});
