/** The settings of `rollcall serve` about configurations: a part of the table of all (`table.ts`). */

import type { Setting } from './setting.ts';
import { file, filled, text } from './values.ts';

export interface ConfigSettings {
  readonly configKeyFile: string | undefined;
  readonly configKeyCommand: string | undefined;
  /** Undefined: no Apollo client signs its requests. */
  readonly apolloKeysFile: string | undefined;
}

export const configSettings: { readonly [K in keyof ConfigSettings]: Setting<ConfigSettings[K]> } = {
  configKeyFile: { flag: '--config-key-file <file>', env: 'ROLLCALL_CONFIG_KEY_FILE', description: 'file with the keys for secrets in configurations, one ID:BASE64 of 32 bytes a line, the newest first', fallback: undefined, read: file },
  configKeyCommand: {
    ...{ flag: '--config-key-command <command>', env: 'ROLLCALL_CONFIG_KEY_COMMAND', fallback: undefined, read: (value) => (value === undefined ? undefined : filled(text(value))) },
    description: 'command that prints such keys; it runs when the server starts',
  },
  apolloKeysFile: {
    flag: '--apollo-keys-file <file>',
    env: 'ROLLCALL_APOLLO_KEYS_FILE',
    description: 'access keys of apps whose Apollo clients sign their requests, a line APP SECRET or APP SECRET TOKEN for each',
    fallback: undefined,
    read: file,
  },
};
