/** The settings of `rollcall serve` about configurations: a part of the table of all (`table.ts`). */

import type { Setting } from './setting.ts';
import { file, filled, flag, text } from './values.ts';

export interface ConfigSettings {
  readonly configKeyFile: string | undefined;
  readonly configKeyCommand: string | undefined;
  /** Undefined: no Apollo client signs its requests. */
  readonly apolloKeysFile: string | undefined;
  /** Consul's KV shows configurations as keys. */
  readonly configurationsInKv: boolean;
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
  configurationsInKv: {
    flag: '--configurations-in-kv',
    env: 'ROLLCALL_CONFIGURATIONS_IN_KV',
    description: "show each configuration in Consul's KV as the key config/APP/NAME, which can only be read",
    fallback: false,
    read: flag,
  },
};
