/**
 * Whether the disk takes more bytes, by trying it.
 *
 * LMDB reports a full disk as an input/output error when only a part of a write fits, and free
 * space by the file system's count says nothing of a quota. A file of our own tells them apart.
 */

import { open, unlink } from 'node:fs/promises';
import { join } from 'node:path';

/** Room that must be there besides the data: LMDB copies the pages that it changes. */
const marginBytes = 262_144;

const chunkBytes = 1_048_576;

export const probeName = 'rollcall.probe';

/**
 * @param bytes how much will be written
 * @returns false when the disk or a quota is full; true when there is room or it cannot be told
 */
export async function hasRoom(dir: string, bytes: number): Promise<boolean> {
  const path = join(dir, probeName);
  try {
    const file = await open(path, 'w', 0o600);
    try {
      const chunk = Buffer.alloc(chunkBytes, 0xff);
      for (let left = bytes + marginBytes; left > 0; left -= chunk.length) {
        await file.appendFile(chunk.subarray(0, Math.min(left, chunk.length)));
      }
      await file.sync();
    } finally {
      await file.close();
      await unlink(path);
    }
    return true;
  } catch (error) {
    return !isNoRoom(error);
  }
}

/** Whether the system refused something for want of room: disk, quota, or largest file. */
export function isNoRoom(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG';
}
