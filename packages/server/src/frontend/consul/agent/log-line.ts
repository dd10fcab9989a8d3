/**
 * Lines of this server's log in Consul's formats: text and JSON
 * (https://developer.hashicorp.com/consul/api-docs/agent#stream-logs). The readers are not the operators of this
 * process, so stacks are left out, and so are fields whose names look like those of secrets.
 */

import { invalid } from '../wire/errors.ts';

/** A line of the log as pino writes it. */
export interface LogLine {
  readonly level: number;
  readonly time: string | number;
  readonly msg: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Consul's names, with the numbers of pino's levels. */
const levels: Readonly<Record<string, number>> = {
  TRACE: 10,
  DEBUG: 20,
  INFO: 30,
  WARN: 40,
  ERR: 50,
  ERROR: 50,
};

/** @throws RegistryError `invalid_argument`, with Consul's text */
export function readLevel(name: string): number {
  const level = Object.hasOwn(levels, name.toUpperCase()) ? levels[name.toUpperCase()] : undefined;
  if (level === undefined) throw invalid(`Unknown log level: ${name.slice(0, 80)}`);
  return level;
}

/** Undefined for a text that is not a line of the log. */
export function parseLine(line: string): LogLine | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const { level, time, msg = '', pid: _pid, hostname: _hostname, ...fields } = parsed as Record<string, unknown>;
  if (typeof level !== 'number' || (typeof time !== 'string' && typeof time !== 'number')) return undefined;
  return { level, time, msg: String(msg), fields };
}

/** `2026-11-20T09:38:24.968Z [INFO]  rollcall: serving: url=http://127.0.0.1:8500` */
export function textLine({ level, time, msg, fields }: LogLine): string {
  const pairs = Object.entries(shown(fields)).map(([key, value]) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    return `${key}=${/[\s"]/.test(text) && typeof value === 'string' ? JSON.stringify(text) : text}`;
  });
  const end = pairs.length === 0 ? '' : `: ${pairs.join(' ')}`;
  return `${stamp(time)} ${`[${nameOf(level).toUpperCase()}]`.padEnd(7)} rollcall: ${msg}${end}\n`;
}

export function jsonLine({ level, time, msg, fields }: LogLine): string {
  const head = { '@level': nameOf(level), '@message': msg, '@module': 'rollcall', '@timestamp': stamp(time) };
  return `${JSON.stringify({ ...head, ...shown(fields) })}\n`;
}

function nameOf(level: number): string {
  if (level >= 50) return 'error';
  if (level >= 40) return 'warn';
  if (level >= 30) return 'info';
  return level >= 20 ? 'debug' : 'trace';
}

function stamp(time: string | number): string {
  return typeof time === 'string' ? time : new Date(time).toISOString();
}

const secret = /token|secret|password|authorization|cookie/i;

function shown(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const found: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const [key, value] of Object.entries(fields)) found[key] = secret.test(key) ? '<hidden>' : plain(value, key);
  return found;
}

/** The message of an error; nested values without fields named like secrets. */
function plain(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => plain(item, key));
  const fields = value as Readonly<Record<string, unknown>>;
  if (key === 'err' && typeof fields['message'] === 'string') return fields['message'];
  return shown(fields);
}
