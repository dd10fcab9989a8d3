/**
 * Finds the value of each setting: from the command line, else the environment, else the
 * configuration file, else the default. A wrong value is an error even if another source has priority.
 */

import { dirname, resolve } from 'node:path';
import { nearest } from '@rollcall/protocol';
import { fileProblem, usage } from '../failure.ts';
import type { Setting } from './setting.ts';
import { settingsTable, type Settings } from './table.ts';
import { unknownName } from './values.ts';

export type Source = 'command line' | 'environment' | 'configuration file' | 'default';

export interface ResolveInput {
  /** By the names of the settings; undefined when not given. */
  readonly flags: Readonly<Record<string, unknown>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The folder of relative paths on the command line and in the environment. */
  readonly folder: string;
  /** `--config`. */
  readonly configFile?: string | undefined;
  readonly readFile: (path: string) => string;
  /** The names of the server's limits. */
  readonly limitNames: readonly string[];
}

export interface Resolved {
  readonly settings: Settings;
  readonly sources: Readonly<Record<keyof Settings, Source>>;
  /** Possible mistakes, one sentence each. */
  readonly warnings: readonly string[];
}

/** The environment variable for the configuration file. */
export const configVariable = 'ROLLCALL_CONFIG';

/** Read by the commands that talk to a registry; listed here so that it is not reported as a typo. */
export const addressVariable = 'ROLLCALL_HTTP_ADDR';
/** Read by `rollcall agent`: as its flag `-unsafe-without`, with commas. */
export const withoutVariable = 'ROLLCALL_UNSAFE_WITHOUT';
const credentialVariables = ['TOKEN', 'TOKEN_FILE', 'CA_FILE', 'CERT_FILE', 'KEY_FILE', 'TLS_SERVER_NAME'].map((name) => `ROLLCALL_${name}`);

const commonStart = 'ROLLCALL_';

interface Given {
  readonly value: unknown;
  readonly source: Source;
  /** The source, for messages: `--http`, `ROLLCALL_HTTP`, `rollcall.json: http`. */
  readonly where: string;
  readonly folder: string;
}

/** @throws CommandFailure `usage` that names the source, the value and the fault */
export function resolveSettings(input: ResolveInput): Resolved {
  const file = readConfigFile(input);
  const settings: Record<string, unknown> = {};
  const sources: Record<string, Source> = {};
  for (const [key, setting] of Object.entries(settingsTable) as [string, Setting<unknown>][]) {
    const given = givenValues(key, setting, input, file);
    const values = given.map((each) => ({ value: read(setting, each), source: each.source }));
    const best = values[0] ?? { value: setting.read(setting.fallback, input.folder), source: 'default' };
    settings[key] = best.value;
    sources[key] = best.source;
  }
  return {
    settings: settings as unknown as Settings,
    sources: sources as Resolved['sources'],
    warnings: misspelled(input.env),
  };
}

/** The values of settings that are not given. */
export function defaultSettings(folder: string): Settings {
  const { settings } = resolveSettings({ flags: {}, env: {}, folder, readFile: () => '{}', limitNames: [] });
  return settings;
}

/** Best source first. */
function givenValues(key: string, setting: Setting<unknown>, input: ResolveInput, file: ConfigFile | undefined): Given[] {
  const given: Given[] = [];
  const flag = input.flags[key];
  if (flag !== undefined) {
    const where = setting.flag?.split(' ')[0] ?? key;
    given.push({ value: flag, source: 'command line', where, folder: input.folder });
  }
  const variable = setting.env === undefined ? undefined : input.env[setting.env];
  if (variable !== undefined) {
    given.push({ value: variable, source: 'environment', where: setting.env ?? key, folder: input.folder });
  }
  if (file !== undefined && Object.hasOwn(file.content, key)) {
    const where = `${file.path}: ${key}`;
    given.push({ value: file.content[key], source: 'configuration file', where, folder: dirname(file.path) });
  }
  return given;
}

function read(setting: Setting<unknown>, { value, where, folder }: Given): unknown {
  try {
    return setting.read(value, folder);
  } catch (error) {
    throw usage(`${where}: ${(error as Error).message}`);
  }
}

interface ConfigFile {
  readonly path: string;
  readonly content: Readonly<Record<string, unknown>>;
}

function readConfigFile(input: ResolveInput): ConfigFile | undefined {
  const { configFile, env, folder, readFile, limitNames } = input;
  const named = configFile ?? (env[configVariable] === '' ? undefined : env[configVariable]);
  if (named === undefined) return undefined;
  const path = resolve(folder, named);
  const content = parseConfig(path, readText(path, readFile));
  const known = Object.keys(settingsTable);
  for (const key of Object.keys(content)) {
    if (!known.includes(key)) throw usage(`${path}: ${unknownName('setting', key, known)}`);
  }
  for (const name of Object.keys(content['limits'] ?? {})) {
    if (!limitNames.includes(name)) throw usage(`${path}: limits: ${unknownName('limit', name, limitNames)}`);
  }
  return { path, content };
}

function readText(path: string, readFile: (path: string) => string): string {
  try {
    return readFile(path);
  } catch (error) {
    throw usage(`cannot read the configuration file: ${fileProblem(path, error)}`);
  }
}

function parseConfig(path: string, text: string): Record<string, unknown> {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    const { message } = error as Error;
    const position = /at position (\d+)/.exec(message)?.[1];
    const line = position === undefined ? '' : ` (line ${text.slice(0, Number(position)).split('\n').length})`;
    throw usage(`${path}: not JSON${line}: ${message}`);
  }
  if (typeof content === 'object' && content !== null && !Array.isArray(content)) {
    return content as Record<string, unknown>;
  }
  throw usage(`${path}: must hold a JSON object`);
}

/**
 * Warnings, since the environment is shared: Kubernetes puts `ROLLCALL_PORT` and many more there
 * for a service called `rollcall`.
 */
function misspelled(env: ResolveInput['env']): string[] {
  const known = Object.values(settingsTable).flatMap((setting: Setting<unknown>) => setting.env ?? []);
  known.push(configVariable, addressVariable, withoutVariable, ...credentialVariables);
  // Compared without their common prefix, which would make any two names similar.
  const endings = known.map((name) => name.slice(commonStart.length));
  return Object.keys(env).flatMap((name) => {
    if (!name.startsWith(commonStart) || known.includes(name)) return [];
    if (/_(PORT|SERVICE)(_|$)/.test(name)) return [];
    const meant = nearest(name.slice(commonStart.length), endings);
    return meant === undefined ? [] : [`${name} in the environment has no effect; did you mean ${commonStart}${meant}?`];
  });
}
