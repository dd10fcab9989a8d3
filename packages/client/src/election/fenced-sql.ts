/**
 * A fence in an SQL database: statements to run in the transaction of the write. A table has the highest token of each name; the statement
 * changes no row when it has seen a higher one, and the transaction must be rolled back then.
 *
 * The statements are those of PostgreSQL and of SQLite from 3.24 on (https://www.sqlite.org/lang_upsert.html). Tokens fit into 63 bits.
 */

/** Text of statements, with the placeholders of the database's driver. */
export interface FencedSql {
  /** Creates the table, once. */
  readonly create: string;
  /** Takes the name and the token, in this order. It changes one row, or none if the token is too old: then roll back. */
  readonly check: string;
}

/**
 * @param table must be a plain name, `rollcall_fence` by default
 * @param placeholders `$1, $2` as in PostgreSQL, or `?, ?`
 * @throws TypeError for another name of a table: it becomes part of the statements
 */
export function fencedSql({ table = 'rollcall_fence', placeholders = '$' }: { readonly table?: string; readonly placeholders?: '$' | '?' } = {}): FencedSql {
  if (!/^[a-z_][a-z0-9_]{0,62}$/i.test(table)) throw new TypeError(`the table is ${JSON.stringify(table)}; it must be letters, digits and underscores`);
  const [name, token] = placeholders === '$' ? ['$1', '$2'] : ['?', '?'];
  return {
    create: `CREATE TABLE IF NOT EXISTS ${table} (name TEXT PRIMARY KEY, token BIGINT NOT NULL)`,
    check: `INSERT INTO ${table} (name, token) VALUES (${name}, ${token}) ON CONFLICT (name) DO UPDATE SET token = excluded.token WHERE ${table}.token <= excluded.token`,
  };
}
