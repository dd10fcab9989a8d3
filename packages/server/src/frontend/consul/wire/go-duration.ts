/**
 * Durations in Go's format (https://pkg.go.dev/time#ParseDuration): `10s`, `1m30s`,
 * `0.001s`. Consul's API uses them widely. Values are nanoseconds in a number, exact up to 104 days.
 */

import { invalid, quoted } from './errors.ts';

const unitNs: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/** Go's largest duration. */
const nsMax = 2 ** 63;

export const nsPerMs = 1e6;

/**
 * @returns nanoseconds
 * @throws RegistryError `invalid_argument` with Go's text: `time: invalid duration "x"`
 */
export function parseDuration(text: string): number {
  const bad = (what: string) => invalid(`time: ${what} duration ${quoted(text)}`);
  const sign = text.startsWith('-') ? -1 : 1;
  let rest = /^[+-]/.test(text) ? text.slice(1) : text;
  if (rest === '0') return 0;
  if (rest === '') throw bad('invalid');
  let ns = 0;
  while (rest !== '') {
    const part = /^(\d+\.?\d*|\.\d+)([^\d.]*)/.exec(rest);
    if (part === null) throw bad('invalid');
    const [whole, digits = '', unit = ''] = part;
    if (unit === '') throw bad('missing unit in');
    const factor = Object.hasOwn(unitNs, unit) ? unitNs[unit] : undefined;
    if (factor === undefined) throw bad(`unknown unit ${quoted(unit)} in`);
    ns += Number(digits) * factor;
    rest = rest.slice(whole.length);
  }
  if (ns >= nsMax) throw bad('invalid');
  return sign * Math.round(ns);
}

/** Formats like Go's `Duration.String`: `90000000000` becomes `1m30s`. */
export function formatDuration(ns: number): string {
  if (ns === 0) return '0s';
  const sign = ns < 0 ? '-' : '';
  const size = Math.abs(ns);
  if (size < 1e3) return `${sign}${size}ns`;
  if (size < 1e6) return `${sign}${size / 1e3}µs`;
  if (size < 1e9) return `${sign}${size / 1e6}ms`;
  const hours = Math.floor(size / 3600e9);
  const minutes = Math.floor((size % 3600e9) / 60e9);
  const seconds = Number(((size % 60e9) / 1e9).toFixed(9));
  const leading = hours > 0 ? `${hours}h${minutes}m` : minutes > 0 ? `${minutes}m` : '';
  return `${sign}${leading}${seconds}s`;
}

export function durationText(ms: number | undefined): string {
  return ms === undefined ? '' : formatDuration(ms * nsPerMs);
}
