/**
 * The files of the console, as its build left them: read once, when the first page is asked for, and kept with their compressed forms. Names of
 * assets have a hash of their content, so browsers keep them without asking again; the page itself is asked for again each time.
 */

import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface ServedFile {
  readonly type: string;
  /** By `Content-Encoding`; an empty name is the file as it is. */
  readonly forms: Readonly<Record<string, Buffer>>;
  /** With its quotes. */
  readonly tag: string;
  /** The name has a hash of the content. */
  readonly isLasting: boolean;
}

const types: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  json: 'application/json',
};

/** The page for every path that is no file. */
const page = 'index.html';

export class ConsoleFiles {
  readonly #folder: string;
  #loading: Promise<ReadonlyMap<string, ServedFile>> | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * @param path below the console's prefix, without a slash in front
   * @returns undefined for an asset that does not exist, and for everything when the console was not built
   */
  async find(path: string): Promise<ServedFile | undefined> {
    this.#loading ??= load(this.#folder).catch(() => new Map<string, never>());
    const files = await this.#loading;
    return files.get(path) ?? (path.startsWith('assets/') ? undefined : files.get(page));
  }
}

async function load(folder: string): Promise<ReadonlyMap<string, ServedFile>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1).replaceAll('\\', '/'));
  const present = new Set(paths);
  const files = new Map<string, ServedFile>();
  for (const path of paths) {
    const type = types[path.slice(path.lastIndexOf('.') + 1)];
    if (type === undefined) continue;
    const plain = await readFile(join(folder, path));
    const forms: Record<string, Buffer> = { '': plain };
    if (present.has(`${path}.br`)) forms['br'] = await readFile(join(folder, `${path}.br`));
    if (present.has(`${path}.gz`)) forms['gzip'] = await readFile(join(folder, `${path}.gz`));
    const tag = `"${createHash('sha256').update(plain).digest('base64url').slice(0, 27)}"`;
    files.set(path, { type, forms, tag, isLasting: path.startsWith('assets/') });
  }
  return files;
}

/** The best form for a request. @param accepted the header `Accept-Encoding` */
export function formFor({ forms }: ServedFile, accepted: string): { readonly encoding: string; readonly bytes: Buffer } {
  const names = new Set(accepted.split(',').map((each) => each.trim()).filter((each) => !/;\s*q=0(?:\.0*)?$/.test(each)).map((each) => each.replace(/;.*$/, '')));
  for (const encoding of ['br', 'gzip']) {
    const bytes = forms[encoding];
    if (bytes !== undefined && names.has(encoding)) return { encoding, bytes };
  }
  return { encoding: '', bytes: forms[''] as Buffer };
}
