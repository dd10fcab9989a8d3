/**
 * `rollcall agent`: what starts `consul agent` can start Rollcall. The meaning of flags and files is in
 * `consul-agent.ts`; serving is that of `rollcall serve`.
 */

import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { agentSettings, type AgentFlags, type ConfigFile } from '../consul-agent.ts';
import { usage } from '../failure.ts';
import { remark, type Terminal } from '../terminal.ts';
import { runServer } from './serve.ts';

interface Flags extends AgentFlags {
  readonly configFile?: readonly string[];
  readonly configDir?: readonly string[];
}

export function addAgent(parent: Command, { terminal }: CommandContext): void {
  const each = (value: string, before: readonly string[] = []) => [...before, value];
  parent
    .command('agent')
    .description('run a registry with the flags and configuration files of `consul agent`')
    .option('--dev', 'keep everything in memory only')
    .option('--config-file <file>', 'read settings from a JSON file; may be given again', each)
    .option('--config-dir <dir>', 'read settings from the JSON files of a folder, by name', each)
    .option('--data-dir <dir>', 'where to keep what is registered (default ./data)')
    .option('--node <name>', 'name of this node (default: the host name)')
    .option('--datacenter <name>', 'name of the datacenter (default dc1)')
    .option('--client <address>', 'address of the listeners (default 127.0.0.1)')
    .option('--http-port <port>', 'port of HTTP (default 8500)')
    .option('--dns-port <port>', 'port of DNS (default 8600); -1 serves none')
    .option('--log-level <level>', 'trace, debug, info, warn or err (default info)')
    .option('--pid-file <file>', 'write the id of the process there')
    .allowUnknownOption()
    .allowExcessArguments()
    .addHelpText('after', '\nFlags may be written with one dash, as Consul does. Unknown flags are warned about.')
    .action(async (flags: Flags, command: Command) => {
      for (const arg of command.args) if (arg.startsWith('-')) remark(terminal, `${arg} has no effect here`);
      await agent(flags, terminal);
    });
}

/** Consul's flags have one dash: `-config-file=x`. */
export function acceptAgentStyle(args: readonly string[]): string[] {
  if (args[0] !== 'agent') return [...args];
  return args.map((arg) => (/^-[a-z][a-z-]+(?:=|$)/.test(arg) ? `-${arg}` : arg));
}

async function agent(flags: Flags, terminal: Terminal): Promise<void> {
  const { settings, pidFile, warnings } = agentSettings(flags, configFiles(flags), process.cwd());
  for (const warning of warnings) remark(terminal, warning);
  if (pidFile !== undefined) writeFileSync(pidFile, `${process.pid}\n`);
  try {
    await runServer(settings, { dnsOptional: false, json: false }, terminal);
  } finally {
    if (pidFile !== undefined) rmSync(pidFile, { force: true });
  }
}

function configFiles({ configFile = [], configDir = [] }: Flags): ConfigFile[] {
  const paths = [...configFile];
  try {
    for (const dir of configDir) {
      const names = readdirSync(dir).filter((name) => name.endsWith('.json'));
      paths.push(...names.sort().map((name) => join(dir, name)));
    }
    return paths.map((path) => ({ path, text: readFileSync(path, 'utf8') }));
  } catch (error) {
    throw usage(`cannot read the configuration: ${(error as Error).message}`);
  }
}
