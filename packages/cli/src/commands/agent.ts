/**
 * `rollcall agent`: what starts `consul agent` can start Rollcall. The meaning of flags and files is in
 * `consul-agent.ts`; serving is that of `rollcall serve`. SIGHUP reads the files again.
 */

import { readdirSync, readFileSync, rmSync, statSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isRegistryError, RegistryError } from '@rollcall/protocol';
import type { Server } from '@rollcall/server';
import { Option, type Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { agentSettings, type AgentSettings } from '../consul-agent.ts';
import type { Definitions } from '../consul-agent-definitions.ts';
import { formatOf, type ConfigFile, type Format } from '../consul-agent-files.ts';
import { agentFlags, type GivenFlag } from '../consul-agent-flags.ts';
import { usage } from '../failure.ts';
import { counted, remark, type Terminal } from '../terminal.ts';
import { runServer, type AgentOptions } from './serve.ts';

export function addAgent(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('agent')
    .description('run a registry with the flags and configuration files of `consul agent`')
    .allowUnknownOption()
    .allowExcessArguments()
    .addHelpText('after', '\nFlags may be written with one dash, as Consul does. What has no effect here is named on stderr.');
  // In the order of the command line, since files and folders of configuration have one.
  const given: GivenFlag[] = [];
  for (const [name, { kind, value = '<value>', description }] of Object.entries(agentFlags)) {
    const option = new Option(kind === 'switch' ? `--${name}` : `--${name} ${value}`, description);
    command.addOption(description === undefined ? option.hideHelp() : option);
    command.on(`option:${name}`, (text: string | null) => given.push([name, text ?? true]));
  }
  command.action(async () => {
    for (const arg of command.args) if (arg.startsWith('-')) remark(terminal, `${arg} has no effect here`);
    await agent(given, terminal);
  });
}

async function agent(flags: readonly GivenFlag[], terminal: Terminal): Promise<void> {
  const { parseHcl } = await import('@rollcall/server');
  const read = (): AgentSettings =>
    agentSettings({ flags, files: configFiles(flags), folder: process.cwd(), env: terminal.env, parseHcl });
  const { settings, more, definitions, pidFile, warnings } = read();
  for (const warning of warnings) remark(terminal, warning);
  if (pidFile !== undefined) {
    mkdirSync(dirname(pidFile), { recursive: true });
    writeFileSync(pidFile, `${process.pid}\n`);
  }
  // One after the other, each with the files as they are then.
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

/** In the order of the flags that name them; those of a folder by name. */
function configFiles(flags: readonly GivenFlag[]): ConfigFile[] {
  const named = flags.findLast(([name]) => name === 'config-format')?.[1];
  if (named !== undefined && named !== 'hcl' && named !== 'json') {
    throw usage(`-config-format: ${JSON.stringify(named)} is neither hcl nor json`);
  }
  try {
    return flags.flatMap(([name, value]) =>
      name === 'config-file' || name === 'config-dir' ? filesAt(String(value), named) : [],
    );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    throw usage(`cannot read the configuration: ${(error as Error).message}`);
  }
}

/** As in Consul, either flag takes a file or a folder, and folders below a folder do not count. */
function filesAt(path: string, named: Format | undefined): ConfigFile[] {
  if (!statSync(path).isDirectory()) {
    const format = named ?? formatOf(path);
    if (format !== undefined) return [{ path, format, text: readFileSync(path, 'utf8') }];
    throw usage(`${path} ends in neither .hcl nor .json, and -config-format does not say which it is`);
  }
  return readdirSync(path)
    .sort()
    .map((name) => join(path, name))
    .flatMap((file) => {
      const format = named ?? formatOf(file);
      return format === undefined || statSync(file).isDirectory() ? [] : [{ path: file, format, text: readFileSync(file, 'utf8') }];
    });
}
