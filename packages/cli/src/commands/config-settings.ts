/** `rollcall config settings APP/NAME`: shows or changes what belongs to a configuration and to none of its releases. */

import { Option, type Command } from 'commander';
import { configSchema, settledSchema } from '@rollcall/protocol';
import type { CommandContext } from '../command-context.ts';
import { addAuthorOptions, namedConfig, type ConfigFlags } from '../config-api.ts';
import { addExamples } from '../examples.ts';
import { usage } from '../failure.ts';
import { given } from '../given.ts';
import { collect, revision } from '../option-values.ts';
import { print, printJson, remark } from '../terminal.ts';
import { contentBytesMax } from './config-set.ts';

interface SettingsFlags extends ConfigFlags {
  readonly schema?: string;
  readonly visibility?: string;
  readonly parent: readonly string[];
  readonly parents?: false;
  readonly check: readonly string[];
  readonly checks?: false;
  readonly bytesMax?: number;
  readonly contact: readonly string[];
  readonly contacts?: false;
  readonly description?: string;
  readonly owner?: string;
  readonly message?: string;
}

const shown = ['description', 'tags', 'visibility', 'parents', 'schema', 'checks', 'bytesMax', 'owners', 'owner'] as const;

export function addConfigSettings(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('settings')
    .description('show or change what belongs to a configuration and to none of its releases; without options show it as JSON')
    .argument('<app/name>', 'the configuration')
    .option('--schema <schema>', 'JSON Schema 2020-12 that each content must match; - reads it from stdin, @FILE from a file; an empty text removes it')
    .option('--visibility <who>', 'public: other apps may name it as a parent; private: they may not')
    .addOption(new Option('--parent <app/name>', 'a configuration whose values apply where this one has none; may be repeated, the first wins').argParser(collect).default([], 'none'))
    .option('--no-parents', 'remove all parents')
    .addOption(new Option('--check <condition>', 'a condition over the keys of each content; may be repeated, and replaces all others').argParser(collect).default([], 'none'))
    .option('--no-checks', 'remove all conditions')
    .option('--bytes-max <number>', 'longest content, in bytes; 0: the general limit of 1048576', revision)
    .addOption(new Option('--contact <name>', 'who is asked about it (the field "owners"); may be repeated, and replaces all others').argParser(collect).default([], 'none'))
    .option('--no-contacts', 'remove all of them')
    .option('--description <text>', 'for people')
    .option('--owner <owner>', 'git: only changes that come from "rollcall config apply --owner git" are taken; an empty text removes it')
    .option('--message <text>', 'why, for the history');
  addExamples(addAuthorOptions(command), 'rollcall config settings shop/app.yaml --schema @schema.json', 'rollcall config settings shop/app.properties --parent common/base.properties');
  command.action(async (name: string, { schema, visibility, parent: named, parents, check: conditions, checks, bytesMax, contact, contacts, description, owner, message, ...flags }: SettingsFlags) => {
    if (named.length > 0 && parents === false) throw usage('give --parent or --no-parents, not both');
    if (conditions.length > 0 && checks === false) throw usage('give --check or --no-checks, not both');
    if (contact.length > 0 && contacts === false) throw usage('give --contact or --no-contacts, not both');
    const config = await namedConfig(name, flags, terminal);
    const changes = {
      ...(schema === undefined ? {} : { schema: (await given(schema, { what: 'schema', bytesMax: contentBytesMax, terminal })).toString('utf8') }),
      ...(visibility === undefined ? {} : { visibility }),
      ...(named.length > 0 || parents === false ? { parents: named.map(parentOf) } : {}),
      ...(conditions.length > 0 || checks === false ? { checks: conditions.map((expect) => ({ expect })) } : {}),
      ...(bytesMax === undefined ? {} : { bytesMax }),
      ...(contact.length > 0 || contacts === false ? { owners: contact } : {}),
      ...(description === undefined ? {} : { description }),
      ...(owner === undefined ? {} : { owner }),
    };
    if (Object.keys(changes).length > 0) {
      const { note } = await config.post('/settings', settledSchema, { ...changes, ...(message === undefined ? {} : { message }) });
      print(terminal, `the settings of ${name} are changed`);
      if (note !== undefined) remark(terminal, note);
      return;
    }
    const row = await config.get('', configSchema);
    printJson(terminal, Object.fromEntries(shown.flatMap((field) => (row[field] === undefined ? [] : [[field, row[field]]]))));
  });
}

function parentOf(name: string): { readonly app: string; readonly name: string } {
  const slash = name.indexOf('/');
  if (slash < 1 || slash === name.length - 1) throw usage(`${JSON.stringify(name)} is not APP/NAME, as in common/base.properties`);
  return { app: name.slice(0, slash), name: name.slice(slash + 1) };
}
