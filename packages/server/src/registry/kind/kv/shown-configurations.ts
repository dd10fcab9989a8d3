/**
 * Keys that show configurations, on a server that shows them: `config/APP/NAME`. No write reaches them, since it would hide a release from its readers
 * and pass by approvals and freezes. A key that has this name from before can be read, unlocked and deleted.
 */

import { RegistryError } from '@rollcall/protocol';
import type { Draft } from '../../draft.ts';
import { findConfig } from '../config/find.ts';
import { configOfShownKey } from '../config/keys.ts';
import type { KvDelete, KvPut } from './commands.ts';

/** @throws RegistryError `invalid_argument` for a key that shows a configuration, or would show one */
export function refuseWriteOfShown(draft: Draft, { namespace, key, condition }: KvPut): void {
  if (!draft.configurationsInKv || condition?.kind === 'release' || configOfShownKey(namespace, key) === undefined) return;
  throw new RegistryError('invalid_argument', `key ${JSON.stringify(key)} cannot be written: this server shows configurations as the keys config/APP/NAME, which can only be read; publish the configuration, or choose another key`);
}

/**
 * @param exists whether there is such a key in the store, which may be removed
 * @throws RegistryError `invalid_argument` for a configuration
 */
export function refuseRemovalOfShown(draft: Draft, { namespace, key }: KvDelete, exists: boolean): void {
  if (!draft.configurationsInKv || exists) return;
  const ref = configOfShownKey(namespace, key);
  const row = ref && findConfig(draft, ref);
  if (row === undefined || row.release === 0) return;
  throw new RegistryError('invalid_argument', `key ${JSON.stringify(key)} cannot be deleted: it shows a configuration, which can only be read here; take the configuration from its clients with "rollcall config delete"`);
}
