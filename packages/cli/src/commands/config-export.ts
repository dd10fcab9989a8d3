/** `rollcall config export DIR`: writes the contents of an environment as files. */

import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { namespacedTargetOf } from '../admin-call.ts';
import type { CommandContext } from '../command-context.ts';
import { namedConfig } from '../config-api.ts';
import { listed, shown } from '../config-tree.ts';
import { addExamples } from '../examples.ts';
import { CommandFailure, exitCodes, fileProblem } from '../failure.ts';
import { addNamespacedOptions, type RegistryFlags } from '../servers.ts';
import { counted, print } from '../terminal.ts';

export function addConfigExport(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('export')
    .description('write what all clients get as files, DIR/APP/NAME; secrets stay masked')
    .argument('<dir>', 'the directory; files of the same names are replaced');
  addExamples(addNamespacedOptions(command), 'rollcall config export ./config --namespace production');
  command.action(async (folder: string, flags: RegistryFlags) => {
    const all = await listed(await namespacedTargetOf(flags, terminal));
    let written = 0;
    for (const name of all.keys()) {
      // A name from the registry must not lead out of the directory.
      if (name.split('/').some((part) => part === '..' || part === '.' || part === '' || part.includes('\\'))) {
        throw new CommandFailure(exitCodes.failure, `${JSON.stringify(name)} cannot be the name of a file`);
      }
      const content = await shown(await namedConfig(name, flags, terminal));
      if (content === undefined) continue;
      const path = join(folder, name);
      try {
        await mkdir(dirname(path), { recursive: true });
        await writeFile(path, content);
      } catch (error) {
        throw new CommandFailure(exitCodes.failure, fileProblem(path, error), { cause: error });
      }
      written++;
    }
    print(terminal, `${counted(written, 'configuration')} written to ${folder}`);
  });
}
