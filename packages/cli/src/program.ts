/** The command line: the list of its commands. A process loads the command that it runs and no other. */

import { Command } from 'commander';
import type { CommandContext } from './command-context.ts';
import { ownVersion } from './commands/version.ts';

type AddCommand = (parent: Command, context: CommandContext) => void;

/** The commands by name, in the order of the help. */
export const commands: Readonly<Record<string, () => Promise<AddCommand>>> = {
  serve: async () => (await import('./commands/serve.ts')).addServe,
  agent: async () => (await import('./commands/agent.ts')).addAgent,
  run: async () => (await import('./commands/run.ts')).addRun,
  diff: async () => (await import('./commands/diff.ts')).addDiff,
  services: async () => (await import('./commands/services.ts')).addServices,
  instances: async () => (await import('./commands/instances.ts')).addInstances,
  explain: async () => (await import('./commands/explain.ts')).addExplain,
  nodes: async () => (await import('./commands/nodes.ts')).addNodes,
  members: async () => (await import('./commands/members.ts')).addMembers,
  leave: async () => (await import('./commands/leave.ts')).addLeave,
  watch: async () => (await import('./commands/watch.ts')).addWatch,
  top: async () => (await import('./commands/top.ts')).addTop,
  kv: async () => (await import('./commands/kv.ts')).addKv,
  config: async () => (await import('./commands/config.ts')).addConfig,
  route: async () => (await import('./commands/route.ts')).addRoute,
  webhook: async () => (await import('./commands/webhook.ts')).addWebhook,
  gossip: async () => (await import('./commands/gossip.ts')).addGossip,
  lock: async () => (await import('./commands/lock.ts')).addLock,
  lead: async () => (await import('./commands/lead.ts')).addLead,
  locks: async () => (await import('./commands/locks.ts')).addLocks,
  event: async () => (await import('./commands/event.ts')).addEvent,
  maint: async () => (await import('./commands/maint.ts')).addMaint,
  info: async () => (await import('./commands/info.ts')).addInfo,
  monitor: async () => (await import('./commands/monitor.ts')).addMonitor,
  debug: async () => (await import('./commands/debug.ts')).addDebug,
  reload: async () => (await import('./commands/reload.ts')).addReload,
  validate: async () => (await import('./commands/validate.ts')).addValidate,
  login: async () => (await import('./commands/login.ts')).addLogin,
  logout: async () => (await import('./commands/logout.ts')).addLogout,
  acl: async () => (await import('./commands/acl.ts')).addAcl,
  namespaces: async () => (await import('./commands/namespaces.ts')).addNamespaces,
  backup: async () => (await import('./commands/backup.ts')).addBackup,
  restore: async () => (await import('./commands/restore.ts')).addRestore,
  migrate: async () => (await import('./commands/migrate.ts')).addMigrate,
  snapshot: async () => (await import('./commands/snapshot.ts')).addSnapshot,
  import: async () => (await import('./commands/import.ts')).addImport,
  bridge: async () => (await import('./commands/bridge.ts')).addBridge,
  audit: async () => (await import('./commands/audit.ts')).addAudit,
  completion: async () => (await import('./commands/completion.ts')).addCompletion,
  version: async () => (await import('./commands/version.ts')).addVersion,
};

/** Completion scripts are made from all commands. */
const needsAll = 'completion';
/** Answered without any command. */
const versionFlags: readonly (string | undefined)[] = ['-V', '--version'];

/** @param first the first word of the command line; if it is the name of a command, the program has only that command */
export async function createProgram(context: CommandContext, first?: string): Promise<Command> {
  const { stdout, stderr } = context.terminal;
  const program = new Command('rollcall')
    .description('Service registry, discovery and configuration centre')
    .version(ownVersion(), '-V, --version', 'print the version')
    .exitOverride()
    // `services` has options itself and has commands that take some of the same names.
    .enablePositionalOptions()
    .showHelpAfterError('(add --help to see what is possible)')
    .configureOutput({
      writeOut: (text) => void stdout.write(text),
      writeErr: (text) => void stderr.write(text),
      outputError: (text, write) => write(text.replace(/^error: /, 'rollcall: ')),
    });
  for (const add of await Promise.all(neededFor(first).map((load) => load()))) add(program, context);
  return program;
}

function neededFor(first: string | undefined): readonly (() => Promise<AddCommand>)[] {
  if (versionFlags.includes(first)) return [];
  const only = first !== undefined && first !== needsAll && Object.hasOwn(commands, first) ? commands[first] : undefined;
  return only === undefined ? Object.values(commands) : [only];
}
