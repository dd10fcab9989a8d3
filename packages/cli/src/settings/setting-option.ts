/** A setting of `rollcall serve` as an option of a command: its description, its default, and its name in the environment. */

import { Option } from 'commander';
import { settingsTable, type Settings } from './table.ts';

/** @param key of a setting that the command line has */
export function settingOption(key: keyof Settings): Option {
  const { flag, description, fallback, env } = settingsTable[key];
  if (flag === undefined) throw new Error(`the setting ${key} has no flag`);
  const without = typeof fallback === 'string' ? `default ${fallback}; ` : '';
  return new Option(flag, `${description} (${without}${env})`);
}
