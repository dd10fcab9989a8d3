/**
 * Configurations as files: `DIR/APP/NAME` is the configuration of the cluster `default`, `DIR/APP/@CLUSTER/NAME` that of another one, and
 * the name may have folders. A part that begins with a dot is written with `%2E` in its place, since such files belong to the directory (`.git`), and
 * one that begins with `%` with `%25`. Compares a directory with an environment; what follows from that is up to the commands.
 */

import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { configListSchema, configSchema, type ListedConfig } from '@rollcall/protocol';
import { askAnswer, type Target } from './admin-call.ts';
import type { ConfigPlace, NamedConfig } from './config-api.ts';
import { CommandFailure, exitCodes, fileProblem } from './failure.ts';

/** As the registry's limit of a content. */
export const fileBytesMax = 1_048_576;
export const filesMax = 50_000;
const defaultCluster = 'default';

/** The path of a configuration below the directory. A name of the cluster `default` that looks like a cluster is below `@default`. */
export function treePath({ app, cluster, name }: ConfigPlace): string {
  return partsOf(cluster === defaultCluster && !name.startsWith('@') ? `${app}/${name}` : `${app}/@${cluster}/${name}`, (part) => part.replace(/^[.%]/, (first) => (first === '.' ? '%2E' : '%25')));
}

function partsOf(path: string, written: (part: string) => string): string {
  return path.split('/').map(written).join('/');
}

/** The configuration that a path below the directory names. */
export function placeOf(path: string): ConfigPlace {
  const [, app = '', cluster = defaultCluster, name = ''] = /^([^/]+)\/(?:@([^/]+)\/)?(.+)$/.exec(partsOf(path, (part) => part.replace(/^%(2E|25)/, (_, code) => (code === '2E' ? '.' : '%')))) ?? [];
  return { app, cluster, name };
}

/** All configurations of an environment, or of one of its apps, that the token may read and that have a release, by their path (`treePath`). */
export async function listed(target: Target, app?: string): Promise<Map<string, ListedConfig>> {
  const query = new URLSearchParams({ ...(target.namespace === undefined ? {} : { environment: target.namespace }), ...(app === undefined ? {} : { app }) });
  const all = await askAnswer(target, `/rollcall/v1/config/list?${query.toString()}`, configListSchema);
  return new Map(all.flatMap((each) => (each.release > 0 ? [[treePath(each), each] as const] : [])));
}

/** The files of a directory by their path; names that begin with a dot are left out. @throws CommandFailure `failure` */
export async function readTree(folder: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    for (const entry of entries) {
      const path = join(entry.parentPath, entry.name);
      const name = path.slice(join(folder, '/').length).split(/[\\/]/).join('/');
      if (!entry.isFile() || isHidden(name)) continue;
      if (!name.includes('/')) throw new Error(`${path} is in no folder of an app; write it as APP/NAME`);
      if ((await stat(path)).size > fileBytesMax) throw new Error(`${path} is larger than ${fileBytesMax} bytes`);
      if (found.size >= filesMax) throw new Error(`${folder} has more than ${filesMax} files`);
      // A file has one way to be named, so that no configuration has two files.
      if (treePath(placeOf(name)) !== name) throw new Error(`${path} is the configuration of another path, too; write it as ${treePath(placeOf(name))}`);
      found.set(name, await readFile(path, 'utf8'));
    }
  } catch (error) {
    throw new CommandFailure(exitCodes.failure, `cannot read the configurations: ${fileProblem(folder, error)}`, { cause: error });
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Whether a part of a path begins with a dot: `.git` and the like belong to the directory, and are no configurations. */
function isHidden(path: string): boolean {
  return path.split('/').some((part) => part.startsWith('.'));
}

export interface Change {
  /** Its path. */
  readonly name: string;
  readonly kind: 'create' | 'change' | 'remove';
  /** Empty for a removal. */
  readonly content: string;
  /** The MD5 of what it replaces; empty: nothing. */
  readonly md5: string;
}

/**
 * What an environment lacks to be like a directory.
 * @param prune whether configurations without a file are removed
 * @param open names a configuration, to read its content
 */
export async function changesOf(files: ReadonlyMap<string, string>, present: ReadonlyMap<string, ListedConfig>, prune: boolean, open: (name: string) => NamedConfig): Promise<Change[]> {
  const changes: Change[] = [];
  for (const [name, content] of files) {
    const now = present.get(name);
    if (now === undefined) changes.push({ name, kind: 'create', content, md5: '' });
    // What is stored has ciphers, and a file has masks: then the contents as they are shown are compared.
    else if (now.md5 !== md5(content) && (await shown(open(name))) !== content) changes.push({ name, kind: 'change', content, md5: now.md5 });
  }
  if (prune) for (const [name, now] of present) if (!files.has(name)) changes.push({ name, kind: 'remove', content: '', md5: now.md5 });
  return changes;
}

function md5(content: string): string {
  return createHash('md5').update(content).digest('hex');
}

/** The content that all clients get, with masks for secrets. */
export async function shown(config: NamedConfig): Promise<string | undefined> {
  return (await config.get('', configSchema)).current?.content;
}
