/** `rollcall config import FILE.zip`: publishes the configurations of an archive, with their settings. It can be repeated. */

import { readFile, stat } from 'node:fs/promises';
import type { Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { archiveBytesMax, settingsKept, unpacked, type ArchivedConfig, type Settings } from '../config-archive.ts';
import { configAt, type ConfigAnswer, type ConfigFlags, type NamedConfig } from '../config-api.ts';
import { treePath } from '../config-tree.ts';
import { addExamples } from '../examples.ts';
import { CommandFailure, exitCodes, fileProblem } from '../failure.ts';
import { addNamespacedOptions } from '../servers.ts';
import { counted, print, printJson, type Terminal } from '../terminal.ts';

interface ImportFlags extends ConfigFlags {
  readonly message?: string;
  readonly confirm?: true;
  readonly dryRun?: true;
}

type Present = ConfigAnswer & Settings & { readonly last: number; readonly md5: string };

interface Step {
  readonly kind: 'create' | 'change';
  /** As a directory has it. */
  readonly name: string;
  readonly config: NamedConfig;
  readonly archived: ArchivedConfig;
  readonly settings: Settings;
  readonly present: Present | undefined;
}

export function addConfigImport(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('import')
    .description('publish the configurations of an archive, with their settings; others stay as they are')
    .argument('<file.zip>', 'the archive, as export writes it')
    .option('--dry-run', 'show what would change')
    .option('--message <text>', 'why, for the history')
    .option('--confirm', 'content that is emptied or halved is meant')
    .option('--json', 'print [{"name", "kind"}]')
    .option('--by <name>', 'who does it, for the history, while access control is off; the name in USER when not given');
  addExamples(addNamespacedOptions(command), 'rollcall config import production.zip --namespace staging --dry-run');
  command.action(async (file: string, flags: ImportFlags) => {
    const steps = await stepsOf(unpacked(await bytesOf(file)), flags, terminal);
    const done: Step[] = [];
    for (const step of steps) {
      if (flags.dryRun === true || (await published(step, flags, `${done.length} of ${steps.length} are imported`))) done.push(step);
      if (flags.json !== true && done.at(-1) === step) print(terminal, `${step.kind} ${step.name}`);
    }
    if (flags.json === true) printJson(terminal, done.map(({ name, kind }) => ({ name, kind })));
    else print(terminal, done.length === 0 ? 'nothing to do' : `${counted(done.length, 'configuration')} ${flags.dryRun === true ? 'would be imported' : 'imported'}`);
  });
}

/** @throws CommandFailure `failure` */
async function bytesOf(file: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(file);
    if (size > archiveBytesMax) throw new Error(`${file} has ${size} bytes, the limit of an archive is ${archiveBytesMax}`);
    return await readFile(file);
  } catch (error) {
    throw new CommandFailure(exitCodes.failure, `cannot read the archive: ${fileProblem(file, error)}`, { cause: error });
  }
}

/**
 * What differs from the archive. Nothing is written yet.
 * @throws CommandFailure `failure` when the archive has masks for secrets that the registry does not have
 */
async function stepsOf(all: readonly ArchivedConfig[], flags: ImportFlags, terminal: Terminal): Promise<Step[]> {
  const steps: Step[] = [];
  const withoutSecrets: string[] = [];
  for (const archived of all) {
    const name = treePath(archived);
    const config = await configAt(archived, flags, terminal);
    const present = await presentOf(config);
    const known = masksIn(present?.current?.content ?? '');
    if ([...masksIn(archived.content)].some((mask) => !known.has(mask))) withoutSecrets.push(name);
    const settings = changedSettings(archived.settings, present ?? {});
    const isSame = present?.current?.content === archived.content && (present.current.format ?? present.format) === archived.format;
    if (!isSame || Object.keys(settings).length > 0) steps.push({ kind: present?.current === undefined ? 'create' : 'change', name, config, archived, settings, present });
  }
  const [first] = withoutSecrets;
  if (first !== undefined) {
    const which = withoutSecrets.length === 1 ? `${first} has` : `${first} and ${withoutSecrets.length - 1} more have`;
    throw new CommandFailure(exitCodes.failure, `${which} masked secrets, which this environment does not have; nothing was imported. Export the archive with --reveal, and import it into a registry that has a key for secrets`);
  }
  // A registry without a key refuses secrets in clear: then it does before anything is written.
  return steps.toSorted((a, b) => Number(b.archived.content.includes('{secret}')) - Number(a.archived.content.includes('{secret}')));
}

async function presentOf(config: NamedConfig): Promise<Present | undefined> {
  try {
    return await config.get<Present>('');
  } catch (error) {
    if (error instanceof CommandFailure && error.exitCode === exitCodes.notFound) return undefined;
    throw error;
  }
}

function masksIn(content: string): ReadonlySet<string> {
  return new Set(content.match(/\{masked\}[A-Za-z0-9_-]{16}/g) ?? []);
}

/** The settings that differ, and those that the archive does not have as empty. */
function changedSettings(wanted: Settings, present: Settings): Settings {
  const names = Object.keys(settingsKept) as readonly (keyof Settings)[];
  const valueOf = (settings: Settings, name: keyof Settings) => settings[name] ?? settingsKept[name];
  const changed = names.filter((name) => JSON.stringify(valueOf(wanted, name)) !== JSON.stringify(valueOf(present, name)));
  return Object.fromEntries(changed.map((name) => [name, valueOf(wanted, name)]));
}

/** @returns false when the registry had it already: secrets in clear are compared there */
async function published({ name, config, archived, settings, present }: Step, { message, confirm }: ImportFlags, before: string): Promise<boolean> {
  const { content, format } = archived;
  // The owner of the archive's configuration publishes it.
  const source = archived.settings.owner === 'git' ? { source: 'git' } : {};
  try {
    const { done, release } = await config.post<{ readonly done: boolean; readonly release?: number }>('/publish', {
      ...{ content, cas: present?.md5 ?? '', ...source },
      ...(format === undefined ? {} : { format }),
      ...(message === undefined ? {} : { message }),
      ...(confirm === undefined ? {} : { confirmed: true }),
      ...(Object.keys(settings).length === 0 ? {} : { settings }),
    });
    if (!done) throw new CommandFailure(exitCodes.failure, 'it was changed by another client meanwhile; run it again');
    return release !== present?.last;
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error;
    throw new CommandFailure(error.exitCode, `${name}: ${error.message} (${before})`, { cause: error });
  }
}
