/** `rollcall validate FILE…`: checks whether `rollcall agent` would start with these files. Starts nothing and asks no registry. */

import { Option, type Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { agentSettings } from '../consul-agent.ts';
import type { GivenFlag } from '../consul-agent-flags.ts';
import { readConfigFiles } from '../consul-agent-read.ts';
import { addExamples } from '../examples.ts';
import { collect } from '../option-values.ts';
import { counted, print, remark } from '../terminal.ts';

interface ValidateFlags {
  readonly configFormat?: string;
  readonly quiet?: true;
  readonly unsafeWithout: readonly string[];
}

export function addValidate(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('validate')
    .description('check configuration files and definitions of services as "rollcall agent" does, without starting anything')
    .argument('<path...>', 'files, and folders whose .hcl and .json files are read')
    .addOption(new Option('--config-format <format>', 'format of the files (default: by their ending)').choices(['hcl', 'json']))
    .option('--quiet', 'print nothing when the files are valid')
    .addOption(
      new Option('--unsafe-without <setting>', 'accept a setting for protection that has no effect here, as for the agent; may be repeated')
        .argParser(collect)
        .default([], 'none'),
    );
  addExamples(command, 'rollcall validate /etc/consul.d', 'rollcall validate --quiet web.hcl');
  command.action(async (paths: readonly string[], { configFormat, quiet, unsafeWithout }: ValidateFlags) => {
    const { checkDefinitions, parseHcl } = await import('@rollcall/server');
    const flags: GivenFlag[] = [
      ...(configFormat === undefined ? [] : [['config-format', configFormat] as const]),
      ...unsafeWithout.map((setting) => ['unsafe-without', setting] as const),
      ...paths.map((path) => ['config-file', path] as const),
    ];
    const { files, remarks } = readConfigFiles(flags);
    const input = { flags, files, folder: process.cwd(), env: terminal.env, parseHcl, checkDefinitions };
    const { definitions, warnings } = agentSettings(input);
    if (quiet === true) return;
    for (const line of [...remarks, ...warnings]) remark(terminal, line);
    const { services, checks } = definitions;
    print(terminal, `valid: ${counted(files.length, 'file')} with ${counted(services.length, 'service')} and ${counted(checks.length, 'check')}`);
  });
}
