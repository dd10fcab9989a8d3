/**
 * What the last process knew, for a start while no registry can be reached: one file per service,
 * replaced as a whole, ignored when it is damaged. It holds a copy and never the truth: losing a
 * write costs nothing but freshness, so nothing here waits for the disk, and nothing that is wrong with it ends anything:
 * it is a warning, and what cannot be read or written is not cached.
 *
 *   first line   {"format":1,"sha256":"…"}     of the second line
 *   second line  {"service","registry","revision","savedAt","instances"}
 */

import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { checkReply, type Instance } from '@rollcall/protocol';
import type { Clock } from '../clock.ts';

export interface KeptService {
  readonly service: string;
  /** Identity of the registry that the list is from. */
  readonly registry: string;
  readonly revision: number;
  /** When the list was last known to be current, in milliseconds since the Unix epoch. */
  readonly savedAt: number;
  readonly instances: readonly Instance[];
}

export interface DiskCacheOptions {
  readonly dir: string;
  readonly clock: Clock;
  /** Part of temporary names, so that two processes do not write into one file. */
  readonly uuid: () => string;
  readonly onWarning: (message: string) => void;
}

const format = 1;

/** More services than that are not one program's business: those saved longest ago go. */
const filesMax = 1_000;

/** A service of 100,000 instances. */
const fileBytesMax = 33_554_432;

/** A temporary file this old was begun by a process that died, in milliseconds. */
const abandonedMs = 60_000;

/** A list that changes all the time is written this often, in milliseconds. */
const pauseMs = 1_000;

export class DiskCache {
  readonly #options: DiskCacheOptions;
  readonly #kept: Map<string, KeptService>;
  readonly #waiting = new Map<string, KeptService>();
  #writing: Promise<void> = Promise.resolve();
  #cancelTimer: (() => void) | undefined;
  #warned = false;

  private constructor(options: DiskCacheOptions, kept: Map<string, KeptService>) {
    this.#options = options;
    this.#kept = kept;
  }

  /** Makes the folder if need be and reads what is in it. Does not reject: without a folder, it is empty. */
  static async open(options: DiskCacheOptions): Promise<DiskCache> {
    const { dir, clock, onWarning } = options;
    const kept = new Map<string, KeptService>();
    try {
      await makeFolder(dir);
      for (const name of (await newest(dir, clock)).toReversed()) {
        const read = await readKept(join(dir, name));
        if (typeof read === 'string') onWarning(`cache file ${name} is ignored: ${read}`);
        else if (read !== undefined) kept.set(read.service, read);
      }
    } catch (error) {
      onWarning(`cache folder ${dir} cannot be used, and is tried again with the next list: ${messageOf(error)}`);
    }
    return new DiskCache(options, kept);
  }

  /** What was known of a service, by this process or the one before. */
  find(service: string): KeptService | undefined {
    return this.#waiting.get(service) ?? this.#kept.get(service);
  }

  /** Writes soon. */
  save(list: KeptService): void {
    this.#waiting.set(list.service, list);
    this.#cancelTimer ??= this.#options.clock.timer(pauseMs, () => {
      this.#cancelTimer = undefined;
      void this.flush();
    });
  }

  /** Writes what waits now. */
  flush(): Promise<void> {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const lists = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const list of lists) this.#keep(list);
    this.#writing = this.#writing.then(async () => {
      for (const list of lists) if (this.#kept.get(list.service) === list) await this.#write(list);
    });
    return this.#writing;
  }

  /** The list saved longest ago gives way. */
  #keep(list: KeptService): void {
    this.#kept.delete(list.service);
    this.#kept.set(list.service, list);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size <= filesMax || oldest === undefined) return;
    this.#kept.delete(oldest);
    this.#writing = this.#writing.then(() => unlink(join(this.#options.dir, fileName(oldest))).catch(() => {}));
  }

  async #write(list: KeptService): Promise<void> {
    const { dir, uuid, onWarning } = this.#options;
    const path = join(dir, fileName(list.service));
    const temporary = `${path}.${uuid()}.tmp`;
    try {
      const body = JSON.stringify(list);
      if (body.length > fileBytesMax) throw new Error(`${body.length} bytes, the limit is ${fileBytesMax}`);
      // It may have been removed, or there was no way to make it before.
      await makeFolder(dir);
      await writeFile(temporary, `${JSON.stringify({ format, sha256: sha256(body) })}\n${body}\n`);
      await rename(temporary, path);
      this.#warned = false;
    } catch (error) {
      await unlink(temporary).catch(() => {});
      // A full disk fails every write: once is enough to say so.
      if (!this.#warned) onWarning(`cache file of ${list.service} is not written: ${String(error)}`);
      this.#warned = true;
    }
  }
}

/** The files to read, newest first; the rest, and what writes that never ended have left, is removed. */
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

/** @returns the list, or why the file is of no use; undefined when it is gone */
async function readKept(path: string): Promise<KeptService | string | undefined> {
  try {
    const { size } = await stat(path);
    if (size > fileBytesMax * 2) return `it has ${size} bytes`;
    return checkedList(await readFile(path, 'utf8'));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? undefined : `it cannot be read: ${messageOf(error)}`;
  }
}

/** @returns the list, or why the text is of no use */
function checkedList(text: string): KeptService | string {
  const [head, body] = text.split('\n');
  try {
    const { format: found, sha256: expected } = JSON.parse(head ?? '') as { format?: unknown; sha256?: unknown };
    if (found !== format) return `its format is ${String(found)}, not ${format}`;
    if (expected !== sha256(body ?? '')) return 'its checksum does not match';
    const list = JSON.parse(body ?? '') as KeptService;
    // The same shape as from the registry, so the same check.
    const { service, revision, instances } = list;
    const checked = checkReply({ type: 'snapshot', view: { kind: 'service', name: service }, revision, items: instances });
    if (!checked.ok) return checked.message;
    if (typeof list.registry !== 'string' || typeof list.savedAt !== 'number') return 'it has no registry or no time';
    return list;
  } catch {
    return 'it is not JSON';
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function fileName(service: string): string {
  return `${sha256(service).slice(0, 32)}.json`;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** With its parents. Node's own (`recursive`) tries for ever where a folder takes no entries, as /proc. */
async function makeFolder(dir: string): Promise<void> {
  const make = (): Promise<void> => mkdir(dir).catch(unless('EEXIST'));
  await make().catch(unless('ENOENT', () => makeFolder(dirname(dir)).then(make)));
}

function unless(code: string, otherwise: () => Promise<void> = () => Promise.resolve()) {
  return (error: NodeJS.ErrnoException): Promise<void> => (error.code === code ? otherwise() : Promise.reject(error));
}
