/**
 * Checks the settings of one source against the table of Consul's settings: an agent must not start without the
 * protection that its files ask for, because a setting is misspelt or has no effect here. Pure; it
 * finds all errors, not only the first one. The table is `consul-agent-schema.ts`.
 */

import { nearest } from '@rollcall/protocol';
import { consulSettings, type Keys, type Section, type Setting } from './consul-agent-schema.ts';
import { isObject, type Values } from './consul-agent-values.ts';

export interface Checked {
  /** The given settings with each section once: repeated blocks are merged. */
  readonly values: Values;
  /** Errors that prevent the start of the agent, one sentence each. */
  readonly problems: readonly string[];
  /** Settings without effect, one sentence each. */
  readonly remarks: readonly string[];
}

/**
 * @param place start of each sentence: the file, or `command line`
 * @param keys the known settings
 * @param without protective settings, or sections of them, that the operator allows to have no effect
 */
export function checkSettings(values: Values, place: string, keys: Keys, without: readonly string[]): Checked {
  const problems: string[] = [];
  const remarks: string[] = [];
  const body = otherBody(values);
  if (body !== undefined) return { values: {}, problems: [`${place}: ${body}`], remarks };
  const walk = (given: Values, known: Keys, prefix: string): Values =>
    Object.fromEntries(
      Object.entries(given).flatMap(([key, value]): [string, unknown][] => {
        const path = prefix + key;
        const entry = Object.hasOwn(known, key) ? known[key] : undefined;
        if (value === null || value === undefined) return entry === undefined ? unknown(path, key, known) : [];
        if (entry === undefined) return unknown(path, key, known);
        return [[key, 'keys' in entry ? section(entry, path, value) : setting(entry, path, value)]];
      }),
    );
  const unknown = (path: string, key: string, known: Keys): [] => {
    problems.push(`${place}: ${path} is no setting of Consul${meant(path, key, known)}`);
    return [];
  };
  const oneBlock = (path: string, value: unknown): unknown => {
    if (!isList(value, isObject)) return value;
    const twice: string[] = [];
    const block = joined(value, twice);
    problems.push(...twice.map((key) => `${place}: ${path}.${key} is given twice`));
    return block;
  };
  const section = ({ keys: known, named, remark }: Section, path: string, value: unknown): unknown => {
    const block = oneBlock(path, value);
    if (!isObject(block)) {
      problems.push(`${place}: ${path} is a section of settings, not ${JSON.stringify(value)}`);
      return undefined;
    }
    if (named !== undefined) {
      return Object.fromEntries(Object.entries(block).map(([name, one]) => [name, section({ keys: named }, `${path}.${name}`, one)]));
    }
    const before = remarks.length;
    const checked = walk(block, known, `${path}.`);
    if (remark !== undefined && remarks.length > before) {
      remarks.length = before;
      remarks.push(`${place}: ${path} has no effect here${remark === true ? '' : `: ${remark}`}`);
    }
    return checked;
  };
  const setting = ({ kind, fate, why, harmless }: Setting, path: string, given: unknown): unknown => {
    const value = kind === 'text map' ? oneBlock(path, given) : given;
    const wrong = kinds[kind](value);
    if (wrong !== undefined) problems.push(`${place}: ${path} ${wrong}, not ${JSON.stringify(value)}`);
    else if (fate === 'read' || fate === 'moot' || asksForNothing(value) || harmless?.includes(plain(value)) === true) return value;
    else if (fate === 'remark') remarks.push(`${place}: ${path} has no effect here${why === undefined ? '' : `: ${why}`}`);
    else if (isAmong(path, without)) remarks.push(`${place}: ${path} does not protect anything here, as -unsafe-without allows: ${why}`);
    else problems.push(`${place}: ${missing(path, why ?? '')}`);
    return value;
  };
  const checked = walk(values, keys, '');
  return { values: checked, problems, remarks };
}

/** The sentence about a setting whose protection Rollcall does not have. */
export function missing(path: string, why: string): string {
  return `${path} asks for protection that is not given here: ${why}. Take it out, or start with -unsafe-without=${path}`;
}

/** Whether a setting, or a section that it is in, is in the list. */
export function isAmong(path: string, list: readonly string[]): boolean {
  return list.some((one) => path === one || path.startsWith(`${one}.`));
}

/** Names in `-unsafe-without` that are not protective settings, one sentence each. */
export function checkWithout(without: readonly string[]): string[] {
  const known = [...protectivePaths(consulSettings, ''), ...verifying];
  return without
    .filter((one) => !known.some((path) => isAmong(path, [one])))
    .map((one) => `-unsafe-without: ${one} is no setting that asks for protection in vain${question(nearest(one, known))}`);
}

/** Used here, but without effect when HTTPS has no port. */
const verifying = ['verify_incoming', 'verify_incoming_https', 'tls.defaults.verify_incoming', 'tls.https.verify_incoming'];

function protectivePaths(keys: Keys, prefix: string): string[] {
  return Object.entries(keys).flatMap(([key, entry]) => {
    if ('keys' in entry) return protectivePaths(entry.keys, `${prefix}${key}.`);
    return entry.fate === 'protective' ? [prefix + key] : [];
  });
}

/** The expected type, if the value has another one. Flags, and some files, have numbers and switches as text. */
const kinds: Readonly<Record<Setting['kind'], (value: unknown) => string | undefined>> = {
  text: (value) => unless(typeof value === 'string', 'must be a string'),
  bool: (value) => unless(typeof value === 'boolean' || value === 'true' || value === 'false', 'must be true or false'),
  int: (value) => unless(Number.isSafeInteger(plain(value)), 'must be a whole number'),
  number: (value) => unless(typeof plain(value) === 'number', 'must be a number'),
  texts: (value) => unless(typeof value === 'string' || isList(value, isText), 'must be a list of strings'),
  'text map': (value) => unless(isTextMap(value), 'must be an object of strings'),
  objects: (value) => unless(isObject(value) || isList(value, isObject), 'must be objects'),
  any: () => undefined,
};

function unless(fits: boolean, problem: string): string | undefined {
  return fits ? undefined : problem;
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isTextMap(value: unknown): value is Readonly<Record<string, string>> {
  return isObject(value) && Object.values(value).every(isText);
}

function isList<T>(value: unknown, is: (one: unknown) => one is T): value is readonly T[] {
  return Array.isArray(value) && value.every(is);
}

/** A number that is written as text, as the number. */
function plain(value: unknown): unknown {
  return typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value;
}

function asksForNothing(value: unknown): boolean {
  const number = plain(value);
  if (typeof number === 'number') return number <= 0;
  if (Array.isArray(value)) return value.length === 0;
  return value === false || value === 'false' || value === '' || (isObject(value) && Object.keys(value).length === 0);
}

/** Merges later blocks into earlier ones; settings that both have go to `twice`, by their path. */
function joined(blocks: readonly Values[], twice: string[]): Values {
  const whole: Record<string, unknown> = {};
  for (const [key, value] of blocks.flatMap((block) => Object.entries(block))) {
    const before = Object.hasOwn(whole, key) ? whole[key] : undefined;
    if (before === undefined) whole[key] = value;
    else if ((isObject(before) || Array.isArray(before)) && (isObject(value) || Array.isArray(value))) {
      whole[key] = [before, value].flat();
    } else twice.push(key);
  }
  return whole;
}

/** The setting that was probably meant: one of the same name in another section, or a similar one beside it. */
function meant(path: string, key: string, beside: Keys): string {
  const elsewhere = pathsOf(consulSettings, '').find((known) => known.split('.').at(-1) === key);
  const near = nearest(key, Object.keys(beside));
  return question(elsewhere ?? (near === undefined ? undefined : path.slice(0, path.length - key.length) + near));
}

function question(name: string | undefined): string {
  return name === undefined ? '' : `; did you mean ${name}?`;
}

function pathsOf(keys: Keys, prefix: string): string[] {
  return Object.entries(keys).flatMap(([key, entry]) =>
    'keys' in entry ? [prefix + key, ...pathsOf(entry.keys, `${prefix}${key}.`)] : [prefix + key],
  );
}

/** Names the kind of a file that has a body for the HTTP API instead of settings. */
function otherBody(values: Values): string | undefined {
  const names = new Set(Object.keys(values).map((key) => key.toLowerCase()));
  const wanted = 'a file of the agent has {"service": {"name": …}}';
  if (names.has('node') && (names.has('address') || names.has('service'))) {
    return `this is a body of /v1/catalog/register, which defines no service of this agent; ${wanted}`;
  }
  if (names.has('name') && ['id', 'port', 'tags', 'address', 'check', 'checks', 'meta'].some((name) => names.has(name))) {
    return `this is a service without a place; ${wanted}`;
  }
  return undefined;
}
