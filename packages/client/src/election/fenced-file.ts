/**
 * A file that only the holder of the newest token can write. It lies in a folder which has the token as its name:
 *
 *   settings/00000000000004784128/content
 *
 * A new holder renames that folder to its own token. A write is a rename of a finished draft into the folder of its token, so a late write
 * of an old holder finds no folder, and fails. There is no moment between a check and a write, and no lock that a dead process could
 * leave behind. It needs a file system on which rename is atomic and seen by all writers (POSIX rename(2)).
 */

import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { LeadershipLostError } from '../lock/lost-error.ts';
import type { Fence, FencedGrant } from './fence.ts';

/** Digits of the largest token: names are in the order of the tokens. */
const digits = 20;

export class FencedFile implements Fence {
  readonly #folder: string;
  /** Token to which this object has raised the file. */
  #raised = 0n;

  /** @param folder is created if it is missing, and belongs to this file alone */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Keeps the content; from now on, lower tokens are refused. @throws LeadershipLostError; errors of the file system */
  async raise(grant: FencedGrant): Promise<void> {
    const own = folderOf(grant.token);
    await mkdir(this.#folder, { recursive: true });
    for (;;) {
      const folders = await this.#folders();
      const newest = folders.at(-1);
      if (newest !== undefined && newest > own) {
        // Empty, if it was created after the newer one.
        await rmdir(join(this.#folder, own)).catch(() => {});
        throw this.#late(grant, newest);
      }
      const older = folders.findLast((name) => name < own);
      if (older === undefined && newest === own) break;
      // The content comes along. A rename replaces a folder that is empty, and no other.
      if (older === undefined) await ignoring(['EEXIST'], mkdir(join(this.#folder, own)));
      else await this.#take(older, own);
    }
    await syncFolder(this.#folder);
    this.#raised = grant.token;
  }

  /**
   * Replaces the content, durably and as a whole.
   * @throws LeadershipLostError when the file was raised to a higher token: nothing of this write can be read
   */
  async write(grant: FencedGrant, content: string | Uint8Array): Promise<void> {
    if (this.#raised !== grant.token) await this.raise(grant);
    const draft = join(this.#folder, `.${randomUUID()}`);
    const file = await open(draft, 'wx');
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    const folder = join(this.#folder, folderOf(grant.token));
    try {
      await rename(draft, join(folder, 'content'));
    } catch (error) {
      await rm(draft, { force: true });
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      throw this.#late(grant, (await this.#folders()).at(-1) ?? '');
    }
    // It was raised meanwhile, with this content.
    await ignoring(['ENOENT'], syncFolder(folder));
  }

  /** @returns undefined when there is no content @throws errors of the file system */
  async read(): Promise<Buffer | undefined> {
    for (;;) {
      const newest = (await this.#folders()).at(-1);
      if (newest === undefined) return undefined;
      const content = await ignoring(['ENOENT'], readFile(join(this.#folder, newest, 'content')));
      if (content !== undefined) return content;
      // Raised meanwhile, or never written.
      if ((await this.#folders()).at(-1) === newest) return undefined;
    }
  }

  /** Renames a folder of an older token, or puts it aside if the own one has content. */
  async #take(older: string, own: string): Promise<void> {
    const from = join(this.#folder, older);
    try {
      await ignoring(['ENOENT'], rename(from, join(this.#folder, own)));
    } catch (error) {
      if (!['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
      const aside = join(this.#folder, `.${randomUUID()}`);
      await ignoring(['ENOENT'], rename(from, aside));
      await rm(aside, { recursive: true, force: true });
    }
  }

  /** In the order of their tokens. */
  async #folders(): Promise<string[]> {
    const names = (await ignoring(['ENOENT'], readdir(this.#folder))) ?? [];
    return names.filter((name) => /^\d{20}$/.test(name)).sort();
  }

  #late({ name, token }: FencedGrant, newest: string): LeadershipLostError {
    return new LeadershipLostError(`${this.#folder}: token ${token} of ${JSON.stringify(name)} is too old; the file was raised to ${BigInt(newest || 0)}`);
  }
}

function folderOf(token: bigint): string {
  return String(token).padStart(digits, '0');
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** @returns undefined after an error with one of the codes */
async function ignoring<T>(codes: readonly string[], work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (codes.includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}
