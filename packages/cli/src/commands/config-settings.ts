/** `rollcall config settings APP/NAME`: shows or changes what belongs to a configuration and to none of its releases. */

import { Option, type Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { addAuthorOptions, namedConfig, type ConfigFlags } from '../config-api.ts';
import { addExamples } from '../examples.ts';
import { usage } from '../failure.ts';
import { given } from '../given.ts';
import { collect } from '../option-values.ts';
import { print, printJson } from '../terminal.ts';
import { contentBytesMax } from './config-set.ts';

interface SettingsFlags extends ConfigFlags {
  readonly schema?: string;
  readonly visibility?: string;
  readonly parent: readonly string[];
  readonly parents?: false;
  readonly description?: string;
  readonly owner?: string;
}

const shown = ['description', 'tags', 'visibility', 'parents', 'schema', 'checks', 'bytesMax', 'owners', 'owner'] as const;

export function addConfigSettings(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('settings')
    .description('show or change the schema, the parents and the visibility of a configuration; without options show them as JSON')
    .argument('<app/name>', 'the configuration')
    .option('--schema <schema>', 'JSON Schema 2020-12 that each content must match; - reads it from stdin, @FILE from a file; an empty text removes it')
    .option('--visibility <who>', 'public: other apps may name it as a parent; private: they may not')
    .addOption(new Option('--parent <app/name>', 'a configuration whose values apply where this one has none; may be repeated, the first wins').argParser(collect).default([], 'none'))
    .option('--no-parents', 'remove all parents')
    .option('--description <text>', 'for people')
    .option('--owner <owner>', 'git: only changes that come from "rollcall config apply --owner git" are taken; an empty text removes it');
  addExamples(addAuthorOptions(command), 'rollcall config settings shop/app.yaml --schema @schema.json', 'rollcall config settings shop/app.properties --parent common/base.properties');
  command.action(async (name: string, { schema, visibility, parent: named, parents, description, owner, ...flags }: SettingsFlags) => {
    if (named.length > 0 && parents === false) throw usage('give --parent or --no-parents, not both');
    const config = await namedConfig(name, flags, terminal);
    const changes = {
      ...(schema === undefined ? {} : { schema: (await given(schema, { what: 'schema', bytesMax: contentBytesMax, terminal })).toString('utf8') }),
      ...(visibility === undefined ? {} : { visibility }),
      ...(named.length > 0 || parents === false ? { parents: named.map(parentOf) } : {}),
      ...(description === undefined ? {} : { description }),
      ...(owner === undefined ? {} : { owner }),
    };
    if (Object.keys(changes).length > 0) {
      await config.post('/settings', changes);
      print(terminal, `the settings of ${name} are changed`);
      return;
    }
    const row = await config.get<Readonly<Record<string, unknown>>>('');
    printJson(terminal, Object.fromEntries(shown.flatMap((field) => (row[field] === undefined ? [] : [[field, row[field]]]))));
  });
}

function parentOf(name: string): { readonly app: string; readonly name: string } {
  const slash = name.indexOf('/');
  if (slash < 1 || slash === name.length - 1) throw usage(`${JSON.stringify(name)} is not APP/NAME, as in common/base.properties`);
  return { app: name.slice(0, slash), name: name.slice(slash + 1) };
}
