/**
 * An archive of configurations: a zip with the index `rollcall-config.json`, which names each configuration with its settings and its
 * release, and one file for each content. Reading it checks every hash. Files and sizes are the matter of `zip-file.ts`.
 */

import { createHash } from 'node:crypto';
import { zipSync } from 'fflate';
import { fileBytesMax, filesMax } from './config-tree.ts';
import { CommandFailure, exitCodes } from './failure.ts';
import { archiveBytesMax, contentsBytesMax, unzipped } from './zip-file.ts';

const indexBytesMax = 33_554_432;
const indexName = 'rollcall-config.json';
const formatNow = 1;

/** Settings that an archive keeps, with the value that takes each away. */
export const settingsKept = {
  description: '', tags: [], visibility: 'private', parents: [], schema: '', checks: [], bytesMax: 0, owners: [], owner: '',
} as const;

export type Settings = { readonly [Name in keyof typeof settingsKept]?: unknown };

export interface ArchivedConfig {
  readonly app: string;
  readonly cluster: string;
  readonly name: string;
  readonly format?: string;
  readonly settings: Settings;
  /** The release that had the content, for people. */
  readonly release: object;
  readonly content: string;
}

interface Indexed extends Omit<ArchivedConfig, 'content'> {
  readonly file: string;
  readonly sha256: string;
}

/** @throws CommandFailure `failure` when it would be too large to be read again */
export function packed(environment: string, configs: readonly ArchivedConfig[]): Uint8Array {
  const files: Record<string, Uint8Array> = {};
  let bytes = 0;
  const configurations = configs.map(({ content, ...rest }, at): Indexed => {
    const file = `contents/${at + 1}`;
    files[file] = Buffer.from(content);
    bytes += files[file].length;
    return { ...rest, file, sha256: sha256(files[file]) };
  });
  if (bytes > contentsBytesMax) throw tooLarge(`the contents have ${bytes} bytes, the limit of an archive is ${contentsBytesMax}`);
  const index = Buffer.from(JSON.stringify({ format: formatNow, environment, configurations }, undefined, 1));
  if (index.length > indexBytesMax) throw tooLarge(`the settings have ${index.length} bytes, the limit of an archive is ${indexBytesMax}`);
  const archive = zipSync({ [indexName]: index, ...files });
  if (archive.length > archiveBytesMax) throw tooLarge(`the archive has ${archive.length} bytes, the limit is ${archiveBytesMax}`);
  return archive;
}

function tooLarge(what: string): CommandFailure {
  return new CommandFailure(exitCodes.failure, `${what}; export one app at a time with --app`);
}

/** @throws CommandFailure `failure` that says what is wrong with the archive */
export function unpacked(archive: Uint8Array): readonly ArchivedConfig[] {
  try {
    const files = unzipped(archive, { filesMax, bytesMax: (name) => (name === indexName ? indexBytesMax : fileBytesMax), isContent: (name) => name !== indexName });
    const index = files[indexName];
    if (index === undefined) throw new Error(`it has no ${indexName}; "rollcall config export FILE.zip" writes one`);
    return indexedIn(index).map((each, at) => withContent(each, `configuration ${at + 1}`, files));
  } catch (error) {
    throw new CommandFailure(exitCodes.failure, `the archive cannot be used: ${(error as Error).message}`, { cause: error });
  }
}

function indexedIn(bytes: Uint8Array): readonly Partial<Indexed>[] {
  const { format, configurations } = JSON.parse(Buffer.from(bytes).toString('utf8')) as { readonly format?: unknown; readonly configurations?: unknown };
  if (format !== formatNow) throw new Error(`its format is ${JSON.stringify(format)}, and this version reads ${formatNow}`);
  if (!Array.isArray(configurations) || configurations.some((each) => typeof each !== 'object' || each === null)) throw new Error('"configurations" is no list of objects');
  return configurations as readonly Partial<Indexed>[];
}

function withContent({ app, cluster, name, format, settings = {}, release = {}, file, sha256: hash }: Partial<Indexed>, place: string, files: Readonly<Record<string, Uint8Array>>): ArchivedConfig {
  for (const [field, value] of Object.entries({ app, cluster, name, file, sha256: hash })) if (typeof value !== 'string' || value === '') throw new Error(`${place}: "${field}" is no text, or empty`);
  if (format !== undefined && typeof format !== 'string') throw new Error(`${place}: "format" is no text`);
  const bytes = Object.hasOwn(files, file as string) ? files[file as string] : undefined;
  if (bytes === undefined) throw new Error(`${place}: there is no ${JSON.stringify(file)} in the archive`);
  if (sha256(bytes) !== hash) throw new Error(`${place}: ${JSON.stringify(file)} is not what was exported; its SHA-256 differs`);
  const known = Object.entries(settings).filter(([setting]) => Object.hasOwn(settingsKept, setting));
  return {
    ...{ app: app as string, cluster: cluster as string, name: name as string, settings: Object.fromEntries(known), release, content: Buffer.from(bytes).toString('utf8') },
    ...(format === undefined ? {} : { format }),
  };
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
