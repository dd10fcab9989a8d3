/**
 * A real PostgreSQL for tests, with its data and its Unix socket in a temporary folder: it opens no port. It refuses to run as root, so root
 * runs it as the user `postgres` of Debian's package. `conformance/install-debian.mjs` installs it.
 */

import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { findProgram } from '../install-debian.mjs';

export interface Postgres {
  /** A session of `psql`, which runs statements one after the other. */
  session(): SqlSession;
  /** Ends the sessions and the server, and removes the data. */
  stop(): Promise<void>;
}

export interface SqlSession {
  /** @returns what `psql` prints, its tags such as `INSERT 0 1` included, also for a statement that fails */
  run(sql: string): Promise<string>;
}

type User = { readonly uid?: number; readonly gid?: number };

const initdb = findProgram('initdb');

/** Why there is no PostgreSQL on this machine; undefined when it can be started. */
export const postgresProblem = initdb === undefined ? 'PostgreSQL is not installed; `node conformance/install-debian.mjs` installs it on Debian' : undefined;

export async function startPostgres(): Promise<Postgres> {
  if (initdb === undefined) throw new Error(postgresProblem);
  // The other programs lie beside the file, and not beside a link to it.
  const programs = dirname(realpathSync(initdb));
  const user = userOfServer();
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-postgres-'));
  if (user.uid !== undefined && user.gid !== undefined) chownSync(folder, user.uid, user.gid);
  const data = join(folder, 'data');
  const env = { ...process.env, LC_ALL: 'C' };
  const made = spawnSync(initdb, ['-D', data, '-U', 'postgres', '--auth=trust', '--no-sync', '--encoding=UTF8', '--no-locale'], { ...user, cwd: folder, env, encoding: 'utf8' });
  if (made.status !== 0) {
    rmSync(folder, { recursive: true, force: true });
    throw new Error(`initdb ended with ${made.status ?? made.error?.message}: ${made.stderr}`);
  }
  const server = spawn(join(programs, 'postgres'), ['-D', data, '-k', folder, '-c', 'listen_addresses=', '-c', 'fsync=off'], { ...user, cwd: folder, env });
  const kill = () => void server.kill('SIGQUIT');
  process.on('exit', kill);
  const ended = once(server, 'close');
  const sessions: ChildProcessWithoutNullStreams[] = [];
  const stop = async () => {
    process.off('exit', kill);
    for (const each of sessions) each.kill('SIGKILL');
    // At once; the data is removed.
    server.kill('SIGQUIT');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  let said = '';
  const ready = new Promise<boolean>((resolve) => {
    server.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (said.includes('is ready to accept connections')) resolve(true);
    });
    void ended.then(() => resolve(false));
  });
  if (!(await ready)) {
    await stop();
    throw new Error(`postgres ended: ${said}`);
  }
  const session = () => {
    const psql = spawn('sh', ['-c', 'exec "$0" "$@" 2>&1', join(programs, 'psql'), '-X', '-h', folder, '-U', 'postgres', '-A', '-t', 'postgres'], { env });
    sessions.push(psql);
    return sessionOf(psql);
  };
  return { session, stop };
}

function userOfServer(): User {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string) => Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout);
  return { uid: id('-u'), gid: id('-g') };
}

function sessionOf(psql: ChildProcessWithoutNullStreams): SqlSession {
  let output = '';
  let tell = () => {};
  const ended = new Promise<never>((_, reject) => {
    const onEnd = () => reject(new Error(`psql ended: ${output}`));
    psql.once('close', onEnd);
    psql.stdin.once('error', onEnd);
  });
  // `run` tells its caller.
  ended.catch(() => {});
  psql.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    tell();
  });
  return {
    run: (sql) => {
      output = '';
      const mark = `end of ${psql.pid}\n`;
      const done = new Promise<string>((resolve) => {
        tell = () => {
          if (output.endsWith(mark)) resolve(output.slice(0, -mark.length).trim());
        };
      });
      psql.stdin.write(`${sql};\n\\echo end of ${psql.pid}\n`);
      return Promise.race([done, ended]);
    },
  };
}
