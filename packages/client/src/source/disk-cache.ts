/**
 * The lists and routes of the last process, for a start while no registry can be reached: a file for each of a service of a
 * namespace of a registry (`kept-list.ts`), replaced as a whole, ignored when it is damaged. It holds copies
 * only: a lost write makes the cache older and costs nothing else, so no caller waits for the disk. A fault of the disk
 * is a warning, and a list that cannot be read or written is not cached.
 *
 * A process that starts without a registry does not know its identity. It takes the newest list that was saved by a
 * client of one of its servers, so that two registries may share a folder.
 */

import { mkdir, readFile, readdir, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '../clock.ts';
import { fileOf, isRoute, listFromText, listToText, type KeptInstances, type KeptList, type KeptRoute } from './kept-list.ts';

export interface DiskCacheOptions {
  readonly dir: string;
  /** Base URLs of this client's registry. */
  readonly servers: readonly string[];
  readonly clock: Clock;
  /** Part of temporary names, so that two processes do not write into one file. */
  readonly uuid: () => string;
  readonly onWarning: (message: string) => void;
}

/** One program uses fewer than a thousand services, each with a list and a route; beyond it, the lists saved longest ago are removed. */
const filesMax = 2_000;

/** A service of 100,000 instances. */
const fileBytesMax = 33_554_432;

/** A temporary file of this age, in milliseconds, was left by a process that died. */
const abandonedMs = 60_000;

/** How often a list is written that changes all the time, in milliseconds. */
const pauseMs = 1_000;

/** A list in memory, and the file that it was read from or is written to. */
interface Entry {
  readonly list: KeptList;
  readonly file: string;
}

export class DiskCache {
  readonly #options: DiskCacheOptions;
  /** By the name of the file that a list is written to, saved longest ago first. */
  readonly #kept: Map<string, Entry>;
  readonly #waiting = new Map<string, KeptList>();
  #writing: Promise<void> = Promise.resolve();
  #cancelTimer: (() => void) | undefined;
  #warned = false;

  private constructor(options: DiskCacheOptions, kept: Map<string, Entry>) {
    this.#options = options;
    this.#kept = kept;
  }

  /** Creates the folder if it is missing and reads its files. Never rejects: without a folder, the cache is empty. */
  static async open(options: DiskCacheOptions): Promise<DiskCache> {
    const { dir, clock, onWarning } = options;
    const kept = new Map<string, Entry>();
    try {
      await makeFolder(dir);
      for (const file of (await newest(dir, clock)).toReversed()) {
        const read = await readKept(join(dir, file));
        if (typeof read === 'string') onWarning(`cache file ${file} is ignored: ${read}`);
        else if (read !== undefined) kept.set(fileOf(read), { list: read, file });
      }
    } catch (error) {
      onWarning(`cache folder ${dir} cannot be used, and is tried again with the next list: ${messageOf(error)}`);
    }
    return new DiskCache(options, kept);
  }

  /** The newest list of a service that this process, or an earlier client of one of its servers, has saved. */
  find(namespace: string, service: string): KeptInstances | undefined {
    return this.#find(namespace, service, (kept): kept is KeptInstances => !isRoute(kept));
  }

  /** The same for the route of a service. */
  findRoute(namespace: string, service: string): KeptRoute | undefined {
    return this.#find(namespace, service, isRoute);
  }

  #find<K extends KeptList>(namespace: string, service: string, isWanted: (kept: KeptList) => kept is K): K | undefined {
    let found: K | undefined;
    for (const list of [...Array.from(this.#kept.values(), (entry) => entry.list), ...this.#waiting.values()]) {
      if (list.service !== service || list.namespace !== namespace || !isWanted(list) || !this.#isOurs(list)) continue;
      if (list.savedAt >= (found?.savedAt ?? -Infinity)) found = list;
    }
    return found;
  }

  /** Writes soon. */
  save(list: Omit<KeptInstances, 'servers'> | Omit<KeptRoute, 'servers'>): void {
    const kept: KeptList = { ...list, servers: this.#options.servers };
    this.#waiting.set(fileOf(kept), kept);
    this.#cancelTimer ??= this.#options.clock.timer(pauseMs, () => {
      this.#cancelTimer = undefined;
      void this.flush();
    });
  }

  /** Writes the waiting lists now. */
  flush(): Promise<void> {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const lists = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const list of lists) this.#keep(list);
    this.#writing = this.#writing.then(async () => {
      for (const list of lists) if (this.#kept.get(fileOf(list))?.list === list) await this.#write(list);
    });
    return this.#writing;
  }

  /** Lists of format 1 do not name their servers. */
  #isOurs({ servers }: KeptList): boolean {
    return servers.length === 0 || servers.some((server) => this.#options.servers.includes(server));
  }

  /** Removes the list saved longest ago. */
  #keep(list: KeptList): void {
    const file = fileOf(list);
    const before = this.#kept.get(file);
    // Clients without namespaces used other file names.
    if (before !== undefined && before.file !== file) this.#remove(before);
    this.#kept.delete(file);
    this.#kept.set(file, { list, file });
    const [oldest] = this.#kept;
    if (this.#kept.size <= filesMax || oldest === undefined) return;
    this.#kept.delete(oldest[0]);
    this.#remove(oldest[1]);
  }

  #remove({ file }: Entry): void {
    this.#writing = this.#writing.then(() => unlink(join(this.#options.dir, file)).catch(() => {}));
  }

  async #write(list: KeptList): Promise<void> {
    const { dir, uuid, onWarning } = this.#options;
    const path = join(dir, fileOf(list));
    const temporary = `${path}.${uuid()}.tmp`;
    try {
      const text = listToText(list);
      if (text.length > fileBytesMax) throw new Error(`${text.length} bytes, the limit is ${fileBytesMax}`);
      // The folder may have been removed, or could not be created before.
      await makeFolder(dir);
      await writeFile(temporary, text);
      await rename(temporary, path);
      this.#warned = false;
    } catch (error) {
      await unlink(temporary).catch(() => {});
      // A full disk fails every write: one warning is enough.
      if (!this.#warned) onWarning(`cache file of ${list.service} is not written: ${String(error)}`);
      this.#warned = true;
    }
  }
}

/** The files to read, newest first; removes the rest, and files left by unfinished writes. */
async function newest(dir: string, clock: Clock): Promise<string[]> {
  const names = await readdir(dir);
  const files: { name: string; changed: number }[] = [];
  for (const name of names) {
    if (!/^[0-9a-f]{32}\.json(\..*\.tmp)?$/.test(name)) continue;
    // Another process that shares the folder may rename or remove it at any moment.
    const found = await stat(join(dir, name)).catch(() => undefined);
    if (found !== undefined) files.push({ name, changed: found.mtimeMs });
  }
  files.sort((a, b) => b.changed - a.changed);
  const kept = files.filter(({ name }) => name.endsWith('.json')).slice(0, filesMax);
  const begunMax = clock.now() - abandonedMs;
  const old = files.filter((file) => (file.name.endsWith('.tmp') ? file.changed < begunMax : !kept.includes(file)));
  for (const { name } of old) await unlink(join(dir, name)).catch(() => {});
  return kept.map(({ name }) => name);
}

/** @returns the list, or the reason why the file cannot be used; undefined when the file no longer exists */
async function readKept(path: string): Promise<KeptList | string | undefined> {
  try {
    const { size } = await stat(path);
    if (size > fileBytesMax * 2) return `it has ${size} bytes`;
    return listFromText(await readFile(path, 'utf8'));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? undefined : `it cannot be read: ${messageOf(error)}`;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Creates the parents, too. Node's `recursive` retries without end in folders that accept no entries, such as /proc. */
async function makeFolder(dir: string): Promise<void> {
  const make = (): Promise<void> => mkdir(dir).catch(unless('EEXIST'));
  await make().catch(unless('ENOENT', () => makeFolder(dirname(dir)).then(make)));
}

function unless(code: string, otherwise: () => Promise<void> = () => Promise.resolve()) {
  return (error: NodeJS.ErrnoException): Promise<void> => (error.code === code ? otherwise() : Promise.reject(error));
}
