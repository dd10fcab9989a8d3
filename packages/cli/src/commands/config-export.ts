/** `rollcall config export`: writes the configurations of an environment as the files of a directory, or as an archive with their settings. */

import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { configSchema, defaultNamespace, type ListedConfig } from '@rollcall/protocol';
import { namespacedTargetOf } from '../admin-call.ts';
import type { CommandContext } from '../command-context.ts';
import { packed, settingsKept, type ArchivedConfig, type Settings } from '../config-archive.ts';
import { configAt } from '../config-api.ts';
import { listed, shown } from '../config-tree.ts';
import { addExamples } from '../examples.ts';
import { CommandFailure, exitCodes, fileProblem, usage } from '../failure.ts';
import { eachOf } from '../import/http-api.ts';
import { addNamespacedOptions, type RegistryFlags } from '../servers.ts';
import { counted, print, type Terminal } from '../terminal.ts';

interface ExportFlags extends RegistryFlags {
  readonly app?: string;
  readonly reveal?: true;
}

/** Configurations that are read at the same time. */
const atOnce = 8;

export function addConfigExport(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('export')
    .description('write what all clients get: as files of a directory, or with the settings into FILE.zip; secrets stay masked')
    .argument('<target>', 'the directory, where files of the same names are replaced, or a file that ends in .zip')
    .option('--app <name>', 'only the configurations of this app')
    .option('--reveal', 'FILE.zip has the secrets in clear, between {secret} and {/secret}; needs the right to reveal');
  addExamples(addNamespacedOptions(command), 'rollcall config export ./config --namespace production', 'rollcall config export production.zip --namespace production');
  command.action(async (target: string, flags: ExportFlags) => {
    const archive = target.endsWith('.zip');
    if (flags.reveal === true && !archive) throw usage('--reveal is for FILE.zip only: files of a directory are for a repository');
    const all = await listed(await namespacedTargetOf(flags, terminal), flags.app);
    const written = archive ? await writeArchive(target, all, flags, terminal) : await writeTree(target, all, flags, terminal);
    print(terminal, `${counted(written, 'configuration')} written to ${target}`);
  });
}

async function writeTree(folder: string, all: ReadonlyMap<string, ListedConfig>, flags: ExportFlags, terminal: Terminal): Promise<number> {
  let written = 0;
  for (const [name, ref] of all) {
    // A name from the registry must not lead out of the directory.
    if (name.split('/').some((part) => part === '' || part.includes('\\')) || ref.cluster.includes('/')) {
      throw new CommandFailure(exitCodes.failure, `${JSON.stringify(name)} cannot be the name of a file`);
    }
    const content = await shown(await configAt(ref, flags, terminal));
    if (content === undefined) continue;
    const path = join(folder, name);
    try {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, content);
    } catch (error) {
      throw notWritten(path, error);
    }
    written++;
  }
  return written;
}

async function writeArchive(file: string, all: ReadonlyMap<string, ListedConfig>, flags: ExportFlags, terminal: Terminal): Promise<number> {
  const { reveal, ...registry } = flags;
  const found = new Map<string, ArchivedConfig>();
  await eachOf([...all], atOnce, async ([key, ref]) => {
    const config = await configAt(ref, registry, terminal);
    const answer = await config.get('', configSchema, reveal === true ? { reveal: 'true' } : {});
    if (answer.current === undefined) return;
    const { content, format = answer.format, ...release } = answer.current;
    const settings = Object.fromEntries((Object.keys(settingsKept) as (keyof Settings)[]).flatMap((name) => (answer[name] === undefined ? [] : [[name, answer[name]]])));
    found.set(key, { app: ref.app, cluster: ref.cluster, name: ref.name, ...(format === undefined ? {} : { format }), settings, release, content });
  });
  const { namespace = defaultNamespace } = await namespacedTargetOf(registry, terminal);
  const archive = packed(namespace, [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, config]) => config));
  // Beside the target, so that the rename stays within one file system. It may have secrets.
  const partial = `${file}.${randomUUID().slice(0, 8)}.partial`;
  try {
    await writeFile(partial, archive, { flag: 'wx', mode: 0o600, flush: true });
    await rename(partial, file);
  } catch (error) {
    await rm(partial, { force: true });
    throw notWritten(file, error);
  }
  return found.size;
}

function notWritten(path: string, error: unknown): CommandFailure {
  return new CommandFailure(exitCodes.failure, fileProblem(path, error), { cause: error });
}
