/** `rollcall config import FILE.zip`: publishes the configurations of an archive, with their settings. It can be repeated. */

import type { Command } from 'commander';
import { configSchema, doneSchema, draftSavedSchema, publishedSchema, type ConfigDetail } from '@rollcall/protocol';
import type { CommandContext } from '../command-context.ts';
import { settingsKept, unpacked, type ArchivedConfig, type Settings } from '../config-archive.ts';
import { configAt, type ConfigFlags, type NamedConfig } from '../config-api.ts';
import { nextOf, proposeOnce, type Proposed } from '../config-proposal.ts';
import { treePath } from '../config-tree.ts';
import { addExamples } from '../examples.ts';
import { CommandFailure, exitCodes } from '../failure.ts';
import { addNamespacedOptions } from '../servers.ts';
import { counted, print, printJson, type Terminal } from '../terminal.ts';
import { readZip } from '../zip-file.ts';

interface ImportFlags extends ConfigFlags {
  readonly message?: string;
  readonly propose?: true;
  readonly confirm?: true;
  readonly dryRun?: true;
}

interface Step {
  readonly kind: 'create' | 'change';
  /** As a directory has it. */
  readonly name: string;
  readonly config: NamedConfig;
  readonly archived: ArchivedConfig;
  readonly settings: Settings;
  /** Clients get that content already. */
  readonly isSame: boolean;
  readonly present: ConfigDetail | undefined;
}

interface Done extends Pick<Step, 'name' | 'kind'>, Partial<Proposed> {}

export function addConfigImport(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('import')
    .description('publish the configurations of an archive, with their settings; others stay as they are')
    .argument('<file.zip>', 'the archive, as export writes it')
    .option('--dry-run', 'show what would change')
    .option('--propose', 'draft and propose each content, where approvals are asked for; it takes the place of a present draft. Settings change at once')
    .option('--message <text>', 'why, for the history')
    .option('--confirm', 'content that is emptied or halved is meant')
    .option('--json', 'print [{"name", "kind"}], with --propose also "number" and "missing"')
    .option('--by <name>', 'who does it, for the history, while access control is off; the name in USER when not given');
  addExamples(addNamespacedOptions(command), 'rollcall config import production.zip --namespace staging --dry-run');
  command.action(async (file: string, flags: ImportFlags) => {
    const steps = await stepsOf(unpacked(await readZip(file)), flags, terminal);
    const done: Done[] = [];
    for (const step of steps) {
      const result = flags.dryRun === true ? {} : await imported(step, flags, `${done.length} of ${steps.length} are imported`);
      if (result === undefined) continue;
      done.push({ name: step.name, kind: step.kind, ...result });
      if (flags.json !== true) print(terminal, sentence(step, result));
    }
    if (flags.json === true) printJson(terminal, done);
    else print(terminal, done.length === 0 ? 'nothing to do' : `${counted(done.length, 'configuration')} ${flags.dryRun === true ? 'would be imported' : 'imported'}`);
  });
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
    if (!isSame || Object.keys(settings).length > 0) steps.push({ kind: present?.current === undefined ? 'create' : 'change', name, config, archived, settings, isSame, present });
  }
  const [first] = withoutSecrets;
  if (first !== undefined) {
    const which = withoutSecrets.length === 1 ? `${first} has` : `${first} and ${withoutSecrets.length - 1} more have`;
    throw new CommandFailure(exitCodes.failure, `${which} masked secrets, which this environment does not have; nothing was imported. Export the archive with --reveal, and import it into a registry that has a key for secrets`);
  }
  // A registry without a key refuses secrets in clear: then it does before anything is written.
  return steps.toSorted((a, b) => Number(b.archived.content.includes('{secret}')) - Number(a.archived.content.includes('{secret}')));
}

async function presentOf(config: NamedConfig): Promise<ConfigDetail | undefined> {
  try {
    return await config.get('', configSchema);
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

function sentence({ kind, name, config }: Step, result: Partial<Proposed>): string {
  const { number, missing } = result;
  return number === undefined || missing === undefined ? `${kind} ${name}` : `proposal ${number}, to ${kind} ${name}, ${nextOf(config, { number, missing })}`;
}

/** @returns undefined when the registry had it already */
async function imported(step: Step, flags: ImportFlags, before: string): Promise<Partial<Proposed> | undefined> {
  try {
    if (flags.propose === true) return await proposed(step, flags);
    return (await published(step, flags)) ? {} : undefined;
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error;
    throw new CommandFailure(error.exitCode, `${step.name}: ${error.message} (${before})`, { cause: error });
  }
}

/** The draft is checked by the settings that come with it. Only content is proposed. */
async function proposed({ config, archived, settings, isSame }: Step, { message, confirm }: ImportFlags): Promise<Partial<Proposed>> {
  if (Object.keys(settings).length > 0) await config.post('/settings', doneSchema, settings);
  if (isSame) return {};
  const { revision = 0 } = await config.post('/draft/save', draftSavedSchema, { ...contentOf(archived), own: true });
  return proposeOnce(config, { draft: revision, message, confirmed: confirm });
}

/** The owner of the archive's configuration publishes it. */
function contentOf({ content, format, settings: { owner } }: ArchivedConfig): Readonly<Record<string, unknown>> {
  return { content, ...(owner === 'git' ? { source: 'git' } : {}), ...(format === undefined ? {} : { format }) };
}

/** @returns false when the registry had it already: secrets in clear are compared there */
async function published({ config, archived, settings, present }: Step, { message, confirm }: ImportFlags): Promise<boolean> {
  const { done, release } = await config.post('/publish', publishedSchema, {
    ...{ ...contentOf(archived), cas: present?.md5 ?? '' },
    ...(message === undefined ? {} : { message }),
    ...(confirm === undefined ? {} : { confirmed: true }),
    ...(Object.keys(settings).length === 0 ? {} : { settings }),
  });
  if (!done) throw new CommandFailure(exitCodes.failure, 'it was changed by another client meanwhile; run it again');
  return release !== present?.last;
}
