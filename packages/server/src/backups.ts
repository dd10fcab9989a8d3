/**
 * Reads a backup, or the backup inside a snapshot of Consul's format, so that callers that restore or inspect one need
 * not know the format.
 */

import { inspectBackup as inspect, type BackupContent } from './backup/inspect.ts';
import { readBackup as read, type Backup } from './backup/restore.ts';
import { readSnapshot } from './frontend/consul/snapshot/reader.ts';

/** @throws RegistryError as `backup/restore.ts` and `snapshot-reader.ts` */
export function readBackup(source: AsyncIterable<Uint8Array>, bytesMax: number): Promise<Backup> {
  return read(readSnapshot(source, bytesMax), bytesMax);
}

/**
 * Reads and checks a whole backup, as a restore does.
 * @param bytesMax most bytes of the unpacked backup, which is held in memory
 * @throws RegistryError as `readBackup`
 */
export function inspectBackup(source: AsyncIterable<Uint8Array>, bytesMax: number): Promise<BackupContent> {
  return inspect(readSnapshot(source, bytesMax), bytesMax);
}
