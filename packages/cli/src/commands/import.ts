/** `rollcall import`: copies the content of a registry of another kind. Each kind is a command of its own. */

import type { Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { addImportApollo } from './import-apollo.ts';
import { addImportConsul } from './import-consul.ts';
import { addImportNacos } from './import-nacos.ts';

export function addImport(parent: Command, context: CommandContext): void {
  const command = parent.command('import').description('copy the content of a registry of another kind into this one');
  addImportConsul(command, context);
  addImportNacos(command, context);
  addImportApollo(command, context);
}
