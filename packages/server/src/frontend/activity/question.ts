/** Reads the query of a request for activity. Pure. */

import { auditKinds, frameLimits as limits, RegistryError, type AuditKind } from '@rollcall/protocol';
import type { ActivityFilter, ActivityQuery } from '../../security/activity.ts';
import { linesByDefault, linesMax } from './routes.ts';

const known: ReadonlySet<string> = new Set(['kind', 'person', 'namespace', 'text', 'from', 'until', 'before', 'limit', 'at']);

/**
 * @param asOfMs only lines that were written by then; undefined for all
 * @throws RegistryError `invalid_argument` that names the parameter
 */
export function readQuestion(query: string, asOfMs?: number): ActivityQuery {
  const given = new URLSearchParams(query);
  for (const name of given.keys()) if (!known.has(name)) throw invalid(`there is no parameter ${JSON.stringify(name.slice(0, 80))}; there are ${[...known].join(', ')}`);
  const texts = Object.fromEntries(['person', 'namespace', 'text'].flatMap((name) => {
    const value = given.get(name) ?? '';
    if (value.length > limits.nameMax) throw invalid(`${name} has ${value.length} characters, the limit is ${limits.nameMax}`);
    return value === '' ? [] : [[name, name === 'text' ? value.toLowerCase() : value]];
  })) as Pick<ActivityFilter, 'person' | 'namespace' | 'text'>;
  const before = given.get('before') ?? '';
  const fromMs = numberIn(given, 'from', 0, Number.MAX_SAFE_INTEGER);
  const until = Math.min(numberIn(given, 'until', 0, Number.MAX_SAFE_INTEGER) ?? Infinity, asOfMs === undefined ? Infinity : asOfMs + 1);
  return {
    filter: { kinds: kindsIn(given.get('kind') ?? ''), ...texts, ...(fromMs === undefined ? {} : { fromMs }), ...(until === Infinity ? {} : { untilMs: until }) },
    limit: numberIn(given, 'limit', 1, linesMax) ?? linesByDefault,
    ...(before === '' ? {} : { before }),
  };
}

function kindsIn(text: string): AuditKind[] {
  return text.split(',').filter((each) => each !== '').map((each) => {
    const kind = auditKinds.find((name) => name === each);
    if (kind === undefined) throw invalid(`there is no kind ${JSON.stringify(each.slice(0, 80))}; there are ${auditKinds.join(', ')}`);
    return kind;
  });
}

function numberIn(given: URLSearchParams, name: string, least: number, most: number): number | undefined {
  const text = given.get(name) ?? '';
  if (text === '') return undefined;
  const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
  if (!(value >= least && value <= most)) throw invalid(`${name} must be a number from ${least} to ${most}, not ${JSON.stringify(text.slice(0, 80))}`);
  return value;
}

function invalid(message: string): RegistryError {
  return new RegistryError('invalid_argument', message);
}
