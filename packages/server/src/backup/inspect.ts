/** Counts and sizes of the records in a backup, so that an operator can tell which backup it is. Restores nothing. */

import { kindOf } from '../registry/row.ts';
import { readBackup } from './restore.ts';

export interface BackupContent {
  /** Revision of the registry when the backup was made. */
  readonly revision: number;
  /** Totals of each kind of record; generic records by their type. Sizes are those of keys and values together. */
  readonly kinds: readonly { readonly kind: string; readonly count: number; readonly bytes: number }[];
  /** Keys of the key/value store with the sizes of their records. */
  readonly keys: readonly { readonly namespace: string; readonly key: string; readonly bytes: number }[];
}

/**
 * Reads and checks the whole backup, as a restore does.
 * @param bytesMax of the unpacked backup; it is held in memory
 * @throws RegistryError as `readBackup`
 */
export async function inspectBackup(source: AsyncIterable<Uint8Array>, bytesMax: number): Promise<BackupContent> {
  const { revision, records } = await readBackup(source, bytesMax);
  const kinds = new Map<string, { count: number; bytes: number }>();
  const keys: { namespace: string; key: string; bytes: number }[] = [];
  for (const { key, value } of records) {
    const bytes = Buffer.byteLength(key) + value.length;
    const kind = kindOf(key);
    const [, namespace = '', ...rest] = key.split('\0');
    const name = kind === 'record' ? (rest[0] ?? '') : kind;
    const before = kinds.get(name) ?? { count: 0, bytes: 0 };
    kinds.set(name, { count: before.count + 1, bytes: before.bytes + bytes });
    if (kind === 'kv') keys.push({ namespace, key: rest.join('\0'), bytes });
  }
  const sorted = Array.from(kinds, ([kind, sum]) => ({ kind, ...sum })).sort((a, b) => b.bytes - a.bytes);
  return { revision, kinds: sorted, keys };
}
