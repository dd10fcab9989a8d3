/**
 * Backups that come in: as they are, or within a snapshot that Consul's tools read. A caller that
 * restores or inspects one need not know which it is.
 */

import { inspectBackup as inspect, type BackupContent } from './backup/inspect.ts';
import { readBackup as read, type Backup } from './backup/restore.ts';
import { readSnapshot } from './frontend/consul/snapshot/reader.ts';

/** @throws RegistryError as those of `backup/restore.ts` and of `snapshot-reader.ts` */
export function readBackup(source: AsyncIterable<Uint8Array>, bytesMax: number): Promise<Backup> {
  return read(readSnapshot(source, bytesMax), bytesMax);
}

/**
 * Reads and checks a whole backup, as a restore does.
 * @param bytesMax of the unpacked backup; it is held in memory
 * @throws RegistryError as `readBackup`
 */
export function inspectBackup(source: AsyncIterable<Uint8Array>, bytesMax: number): Promise<BackupContent> {
  return inspect(readSnapshot(source, bytesMax), bytesMax);
}
