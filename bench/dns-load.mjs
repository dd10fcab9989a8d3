/**
 * DNS load over UDP by dnsperf (Debian package dnsperf), in a process on the load's core. It sends
 * the queries of a file repeatedly, and counts the answers; a lost one counts as an error.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { outputOf, pinned } from './processes.mjs';

/** Queries in flight: enough to keep a server busy, few enough to fit into its socket's buffer. */
const outstanding = 200;

/** @param queries `[name, type]` pairs; `remove` deletes the file that they are in */
export function dnsQueries(queries) {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-bench-'));
  const file = join(folder, 'queries');
  writeFileSync(file, `${queries.map((query) => query.join(' ')).join('\n')}\n`);
  return { file, remove: () => rmSync(folder, { recursive: true }) };
}

/**
 * @param code the code that every answer must have: `NOERROR`, `NXDOMAIN`
 * @param perSecond at most; as fast as possible when absent
 * @param lostShareMax more answers missing than this is an error: the figure would be one of losses
 * @returns answers in all, and per second
 */
export async function dnsLoad(port, queries, { code, seconds, perSecond, lostShareMax = 0.001 }) {
  if (spawnSync('dnsperf', ['-h']).error !== undefined) {
    throw new Error('dnsperf is not installed; node conformance/install-debian.mjs installs it on Debian');
  }
  const limits = ['-l', String(seconds), '-q', String(outstanding), '-t', '1'];
  if (perSecond !== undefined) limits.push('-Q', String(perSecond));
  const output = await outputOf(
    pinned('load', ['dnsperf', '-s', '127.0.0.1', '-p', String(port), '-d', queries.file, '-c', '4', ...limits]),
  );
  const number = (pattern) => Number(pattern.exec(output)?.[1] ?? 0);
  const sent = number(/Queries sent: +(\d+)/);
  const lost = number(/Queries lost: +(\d+)/);
  const right = number(new RegExp(`\\b${code} (\\d+) \\(`));
  if (right + lost !== sent || lost > sent * lostShareMax) throw new Error(`dnsperf said:\n${output}`);
  return { answers: right, perSecond: number(/Queries per second: +([\d.]+)/) };
}
