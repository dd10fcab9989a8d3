/** Writes a file with a secret: readable by its owner only, and never incomplete. */

import { randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';

/** Replaces the file, if there is one, when the new one is whole. Its content is exactly `secret`. */
export async function replaceSecret(file: string, secret: string): Promise<void> {
  // Beside the target, so that the rename stays within one file system.
  const partial = `${file}.${randomUUID().slice(0, 8)}.partial`;
  try {
    const handle = await open(partial, 'wx', 0o600);
    try {
      await handle.writeFile(secret);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(partial, file);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}
