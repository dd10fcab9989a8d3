/** Parses values of options that several commands have. Each throws the error that commander prints. */

import { InvalidArgumentError } from 'commander';

/** @throws InvalidArgumentError unless it is a regular expression */
export function pattern(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch (error) {
    throw new InvalidArgumentError(`it is no regular expression: ${(error as Error).message}.`);
  }
}

/** An option that may be repeated. */
export function collect(text: string, before: readonly string[]): string[] {
  return [...before, text];
}

/** `KEY=VALUE`, which may be repeated. */
export function collectPair(text: string, before: Readonly<Record<string, string>>): Record<string, string> {
  const split = text.indexOf('=');
  if (split < 1) throw new InvalidArgumentError('write KEY=VALUE.');
  return { ...before, [text.slice(0, split)]: text.slice(split + 1) };
}

export function port(text: string): number {
  const value = Number(text);
  if (/^\d{1,5}$/.test(text) && value >= 1 && value <= 65_535) return value;
  throw new InvalidArgumentError('a port is a whole number from 1 to 65535.');
}

/** A whole number of at least 1, at most `max`. */
export function count(max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= 1 && value <= max) return value;
    throw new InvalidArgumentError(`it is a whole number from 1 to ${max}.`);
  };
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** `500ms`, `30s`, `1h30m`, as Go writes durations; a number alone counts seconds. @returns milliseconds */
export function duration(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  if (/^\d+$/.test(text)) return Number(text) * 1_000;
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text) {
    throw new InvalidArgumentError('write a duration such as 500ms, 30s or 5m.');
  }
  return parts.reduce((ms, [, value, unit = 's']) => ms + Number(value) * (unitMs[unit] ?? 0), 0);
}

/** A revision of the registry; 0 stands for something that does not exist. */
export function revision(text: string): number {
  if (/^\d{1,16}$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
  throw new InvalidArgumentError('a revision is a whole number, 0 or more.');
}
