/** The command line: the list of its commands. The commands themselves are in `commands/`. */

import { Command } from 'commander';
import { addAcl } from './commands/acl.ts';
import { addAgent } from './commands/agent.ts';
import { addAudit } from './commands/audit.ts';
import { addBackup } from './commands/backup.ts';
import { addCompletion } from './commands/completion.ts';
import { addDebug } from './commands/debug.ts';
import { addEvent } from './commands/event.ts';
import { addExplain } from './commands/explain.ts';
import { addImport } from './commands/import-consul.ts';
import { addInfo } from './commands/info.ts';
import { addInstances } from './commands/instances.ts';
import { addKv } from './commands/kv.ts';
import { addLeave } from './commands/leave.ts';
import { addLock } from './commands/lock.ts';
import { addLogin } from './commands/login.ts';
import { addLogout } from './commands/logout.ts';
import { addMaint } from './commands/maint.ts';
import { addMembers } from './commands/members.ts';
import { addMigrate } from './commands/migrate.ts';
import { addMonitor } from './commands/monitor.ts';
import { addNamespaces } from './commands/namespaces.ts';
import { addNodes } from './commands/nodes.ts';
import { addReload } from './commands/reload.ts';
import { addRestore } from './commands/restore.ts';
import { addRun } from './commands/run.ts';
import { addServe } from './commands/serve.ts';
import { addServices } from './commands/services.ts';
import { addSnapshot } from './commands/snapshot.ts';
import { addValidate } from './commands/validate.ts';
import { addVersion, ownVersion } from './commands/version.ts';
import { addWatch } from './commands/watch.ts';
import type { CommandContext } from './command-context.ts';

export function createProgram(context: CommandContext): Command {
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
  for (const add of [
    ...[addServe, addAgent, addRun, addServices, addInstances, addExplain, addNodes, addMembers, addLeave, addWatch, addKv, addLock],
    ...[addEvent, addMaint, addInfo, addMonitor, addDebug, addReload, addValidate],
    ...[addLogin, addLogout, addAcl, addNamespaces, addBackup, addRestore, addMigrate, addSnapshot, addImport, addAudit, addCompletion, addVersion],
  ]) {
    add(program, context);
  }
  return program;
}
