/**
 * The query string: parsed like in Go (`+` is a space, a bare name has an empty value, a repeated
 * name has several values), and the parameters that most of Consul's endpoints share.
 */

import { RegistryError } from '@rollcall/protocol';
import { invalid, quoted } from './errors.ts';
import { parseDuration } from './go-duration.ts';

export class Params {
  readonly #values: ReadonlyMap<string, readonly string[]>;

  /**
   * @param query without the `?`
   * @throws RegistryError `invalid_argument` for a bad percent-encoding
   */
  constructor(query: string) {
    this.#values = query === '' ? none : parse(query);
  }

  /** The first value; empty when there is none, as in Go's `url.Values.Get`. */
  get(name: string): string {
    return this.#values.get(name)?.[0] ?? '';
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  all(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  /** An unsigned 64-bit number, 0 when empty. @throws RegistryError `invalid_argument` */
  uint64(name: string): bigint {
    const text = this.get(name);
    const value = parseUint64(text);
    if (value !== undefined) return value;
    const reason = /^\d+$/.test(text) ? 'value out of range' : 'invalid syntax';
    throw invalid(`strconv.ParseUint: parsing ${quoted(text)}: ${reason}`);
  }

  /** `?passing`: bare, or a value of Go's `strconv.ParseBool`. @throws RegistryError `invalid_argument` */
  flag(name: string): boolean {
    if (!this.has(name)) return false;
    const text = this.get(name);
    if (text === '' || trues.includes(text)) return true;
    if (falses.includes(text)) return false;
    throw invalid(`Invalid value for ?${name}`);
  }

  /** `name=value` pairs in order of their names, as Go's `url.Values.Encode`. */
  encode(): string {
    const names = [...this.#values.keys()].sort();
    const pair = (name: string, value: string) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`;
    return names.flatMap((name) => this.all(name).map((value) => pair(name, value))).join('&');
  }
}

const none: ReadonlyMap<string, readonly string[]> = new Map();
const trues: readonly string[] = ['1', 't', 'T', 'TRUE', 'true', 'True'];
const falses: readonly string[] = ['0', 'f', 'F', 'FALSE', 'false', 'False'];

function parse(query: string): Map<string, string[]> {
  const values = new Map<string, string[]>();
  for (const pair of query.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = unescape(equals < 0 ? pair : pair.slice(0, equals));
    const value = equals < 0 ? '' : unescape(pair.slice(equals + 1));
    const before = values.get(name);
    if (before === undefined) values.set(name, [value]);
    else before.push(value);
  }
  return values;
}

function unescape(text: string): string {
  return unescapePath(text.includes('+') ? text.replaceAll('+', ' ') : text, 'query');
}

/** @throws RegistryError `invalid_argument` for a bad percent-encoding, or one that is not UTF-8 */
export function unescapePath(text: string, place: 'path' | 'query' = 'path'): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid(`Invalid ${place}: ${quoted(text)} is not percent-encoded UTF-8`);
  }
}

const uint64Max = 2n ** 64n - 1n;

function parseUint64(text: string): bigint | undefined {
  if (!/^\d{1,20}$/.test(text)) return undefined;
  const value = BigInt(text);
  return value <= uint64Max ? value : undefined;
}

/** Consul's default and longest wait of a blocking query (`agent/consul/rpc.go`). */
const waitDefaultMs = 300_000;
const waitMaxMs = 600_000;

/** The waiting that a query asks for. */
export interface Wait {
  /** 0: do not wait. An index above 2^53 is `Infinity`: no revision will reach it. */
  readonly index: number;
  readonly waitMs: number;
}

export const noWait: Wait = { index: 0, waitMs: waitDefaultMs };

/** @throws RegistryError `invalid_argument`: `Invalid index`, `Invalid wait time` */
export function readWait(indexText: string, waitText: string): Wait {
  let waitMs = waitDefaultMs;
  if (waitText !== '') {
    waitMs = durationMs(waitText);
    if (Number.isNaN(waitMs) || waitMs < 0) throw invalid('Invalid wait time');
    // `wait=0` asks for the default, as in Consul.
    if (waitMs === 0) waitMs = waitDefaultMs;
  }
  if (indexText === '') return { index: 0, waitMs: Math.min(waitMs, waitMaxMs) };
  const index = parseUint64(indexText);
  if (index === undefined) throw invalid('Invalid index');
  const safe = index <= BigInt(Number.MAX_SAFE_INTEGER);
  return { index: safe ? Number(index) : Infinity, waitMs: Math.min(waitMs, waitMaxMs) };
}

function durationMs(text: string): number {
  try {
    return parseDuration(text) / 1e6;
  } catch {
    return Number.NaN;
  }
}

export type Consistency = 'leader' | 'consistent' | 'stale';

/** @throws RegistryError `invalid_argument` for modes that contradict each other */
export function readConsistency(params: Params): Consistency {
  const stale = params.has('stale') || maxStaleOf(params) > 0;
  const consistent = params.has('consistent');
  for (const [given, name] of [[stale, 'stale'], [params.has('cached'), 'cached']] as const) {
    if (given && consistent) {
      throw invalid(`Cannot specify ?${name} with ?consistent, conflicting semantics.`);
    }
  }
  return consistent ? 'consistent' : stale ? 'stale' : 'leader';
}

/**
 * `?max_stale`: how old an answer may be before the store is asked, in milliseconds; `Infinity` without it.
 * @throws RegistryError `invalid_argument`
 */
export function readMaxStale(params: Params): number {
  return maxStaleOf(params) || Infinity;
}

function maxStaleOf(params: Params): number {
  const text = params.get('max_stale');
  const ms = text === '' ? 0 : durationMs(text);
  if (Number.isNaN(ms)) throw invalid(`Invalid max_stale value ${quoted(text)}`);
  return Math.max(0, ms);
}

/**
 * Refuses partitions and other datacenters, which this registry does not have.
 * @param datacenter this server's; undefined for endpoints that ignore the parameter
 * @throws RegistryError `invalid_argument` for partitions; `failed_precondition` for
 *   another datacenter, which Consul answers with a 500
 */
export function checkScope(params: Params, datacenter: string | undefined): void {
  if (params.get('partition') !== '') {
    throw invalid('Invalid query parameter: "partition" - Partitions are a Consul Enterprise feature');
  }
  const asked = params.get('datacenter') || params.get('dc');
  if (asked === '' || datacenter === undefined || asked === datacenter) return;
  throw new RegistryError('failed_precondition', 'No path to datacenter');
}
