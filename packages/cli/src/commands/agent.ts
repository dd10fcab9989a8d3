/**
 * `rollcall agent`: takes the command line and files of `consul agent`. The meaning of flags and files is in
 * `consul-agent.ts`; serving is that of `rollcall serve`. SIGHUP reads the files again.
 */

import { rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { isRegistryError, nearest, RegistryError } from '@rollcall/protocol';
import type { Server } from '@rollcall/server';
import { Option, type Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { agentSettings, type AgentSettings } from '../consul-agent.ts';
import type { Definitions } from '../consul-agent-definitions.ts';
import { agentFlags, type GivenFlag } from '../consul-agent-flags.ts';
import { readConfigFiles } from '../consul-agent-read.ts';
import { CommandFailure, exitCodes, fileProblem, usage } from '../failure.ts';
import { counted, remark, type Terminal } from '../terminal.ts';
import { runServer, type AgentOptions } from './serve.ts';

export function addAgent(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('agent')
    .description('run a registry with the flags and configuration files of `consul agent`')
    .allowUnknownOption()
    .allowExcessArguments()
    .addHelpText('after', '\nFlags may be written with one dash, as Consul does. Settings without effect here are named on stderr;\nsettings that ask for protection which Rollcall does not give, and those that Consul does not know, are refused.');
  // In the order of the command line: later files and folders override earlier ones.
  const given: GivenFlag[] = [];
  for (const [name, { kind, value = '<value>', description }] of Object.entries(agentFlags)) {
    const option = new Option(kind === 'switch' ? `--${name}` : `--${name} ${value}`, description);
    command.addOption(description === undefined ? option.hideHelp() : option);
    command.on(`option:${name}`, (text: string | null) => given.push([name, text ?? true]));
  }
  command.action(async () => {
    for (const arg of command.args) throw usage(unknownArgument(arg));
    await agent(given, terminal);
  });
}

async function agent(flags: readonly GivenFlag[], terminal: Terminal): Promise<void> {
  const { checkDefinitions, parseHcl } = await import('@rollcall/server');
  const read = (): AgentSettings => {
    const { files, remarks } = readConfigFiles(flags);
    const read = agentSettings({ flags, files, folder: process.cwd(), env: terminal.env, parseHcl, checkDefinitions });
    return { ...read, warnings: [...remarks, ...read.warnings] };
  };
  const { settings, more, definitions, pidFile, warnings } = read();
  for (const warning of warnings) remark(terminal, warning);
  if (pidFile !== undefined) {
    await writePid(pidFile);
  }
  // Reloads run one after the other; each reads the files when its turn comes.
  let reloads = Promise.resolve();
  let server: Server | undefined;
  const reload = (): Promise<void> => {
    const done = reloads.then(async () => {
      const { services, checks } = read().definitions;
      await server?.define({ services, checks });
      remark(terminal, `reloaded ${counted(services.length, 'service')} and ${counted(checks.length, 'check')}; other settings count from the next start`);
    });
    reloads = done.catch((error: unknown) => remark(terminal, `not reloaded: ${(error as Error).message}`));
    return done;
  };
  const options: AgentOptions = {
    more: { ...more, reload: () => reload().catch(refuse) },
    serving: (started) => {
      server = started;
      return defineOrRefuse(started, definitions);
    },
    hangUp: () => void reload().catch(() => {}),
  };
  try {
    await runServer(settings, { dnsOptional: false, json: false, agent: options }, terminal);
  } finally {
    if (pidFile !== undefined) rmSync(pidFile, { force: true });
  }
}

async function writePid(file: string): Promise<void> {
  const { makeDirectory } = await import('@rollcall/server');
  try {
    await makeDirectory(dirname(file));
    writeFileSync(file, `${process.pid}\n`);
  } catch (error) {
    throw new CommandFailure(exitCodes.failure, `pid_file cannot be written: ${fileProblem(file, error)}`, { cause: error });
  }
}

function unknownArgument(arg: string): string {
  const name = /^--?([^=]*)/.exec(arg)?.[1];
  if (name === undefined) return `${JSON.stringify(arg)} is not a flag, nor the value of one`;
  const meant = nearest(name, Object.keys(agentFlags));
  return `unknown flag -${name}; ${meant === undefined ? '--help lists all flags' : `did you mean -${meant}?`}`;
}

function refuse(error: unknown): never {
  throw new RegistryError('failed_precondition', `not reloaded: ${(error as Error).message}`);
}

async function defineOrRefuse(server: Server, definitions: Definitions): Promise<void> {
  try {
    await server.define(definitions);
  } catch (error) {
    throw isRegistryError(error, 'invalid_argument') ? usage(error.message) : error;
  }
}
