/**
 * `rollcall run NAME --port P -- COMMAND…`: registers a program in any language as an instance of a service
 * for as long as it runs. A failing registry neither stops the program nor delays its start.
 */

import { Option, type Command } from 'commander';
import { startChild, type Child } from '../child.ts';
import { credentialOptions } from '../credentials.ts';
import { joinRegistry, type Membership } from '../membership.ts';
import { ownAddress } from '../own-address.ts';
import type { CommandContext } from '../command-context.ts';
import { collect, collectPair, port } from '../option-values.ts';
import { instanceOf, type RunFlags } from '../run-instance.ts';
import { addNamespacedOptions, namespaceOf, serversOf, type RegistryFlags } from '../servers.ts';
import { remark } from '../terminal.ts';

/** Signals that ask a program to stop: it drains first. */
const stopping: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT', 'SIGQUIT'];
/** Signals that are passed on at once; SIGHUP, too, since many programs read their settings again on it. */
const passed: readonly NodeJS.Signals[] = ['SIGHUP', 'SIGUSR1', 'SIGUSR2'];
/** Signals that a terminal itself sends to all of its programs. */
const fromTerminal: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT'];

export function addRun(parent: Command, context: CommandContext): void {
  const command = parent
    .command('run')
    .description('run a program as an instance of a service, registered for as long as it runs')
    .showHelpAfterError('(the program and its arguments come after "--"; --help lists the options)')
    .argument('<name>', 'the service')
    .argument('<command...>', 'the program and its arguments, after "--"')
    .addOption(new Option('--port <port>', 'port that the program listens on').argParser(port).makeOptionMandatory())
    .option('--check <url>', 'URL to probe, or a path on the program; without it, the port is probed by TCP')
    .option('--mcp <path>', 'path at which the program serves the Model Context Protocol; registers it as an MCP server and probes it by a handshake')
    .option('--a2a <path>', 'path of the program\'s A2A agent card; registers it as an agent and probes the card')
    .option('--address <address>', 'address at which clients reach it (default: this machine\'s address towards the registry)')
    .option('--id <id>', 'id of this instance on its node (default NAME-PORT)')
    .addOption(new Option('--tag <tag>', 'a tag; may be repeated').argParser(collect).default([], 'none'))
    .addOption(new Option('--meta <key=value>', 'a meta entry; may be repeated').argParser(collectPair).default({}, 'none'));
  addNamespacedOptions(command).action((name: string, program: string[], flags: RunFlags & RegistryFlags) =>
    run(name, program, flags, context),
  );
}

async function run(
  name: string,
  [program = '', ...args]: readonly string[],
  flags: RunFlags & RegistryFlags,
  { terminal, setExitCode }: CommandContext,
): Promise<void> {
  const servers = serversOf(flags.addr, terminal.env);
  const namespace = namespaceOf(flags, terminal.env);
  // Wrong flags are reported before anything starts.
  instanceOf(name, flags, undefined);

  const starting = startChild(program, args);
  const membership = starting.then(() =>
    joinRegistry({
      servers,
      credentials: credentialOptions(flags),
      namespace,
      instance: async () => instanceOf(name, flags, await ownAddress(servers[0] as string)),
      tell: (line) => remark(terminal, line),
    }),
  );
  // A program that did not start is reported below.
  membership.catch(() => undefined);
  const wasAsked = passSignals(starting, membership, terminal.stdin.isTTY === true);
  const child = await starting;
  const exitCode = await child.ended;
  const killedBy = child.killedBy();
  if (killedBy !== undefined && !wasAsked()) remark(terminal, `the program was ended by ${killedBy}`);
  await (await membership).leave();
  setExitCode(exitCode);
}

/**
 * From the call on: a signal may arrive while the program is still being started.
 * @returns whether a signal has arrived
 */
function passSignals(starting: Promise<Child>, membership: Promise<Membership>, onTerminal: boolean): () => boolean {
  let draining = false;
  let wasAsked = false;
  const pass = async (signal: NodeJS.Signals) => {
    const child = await starting;
    const again = draining;
    if (stopping.includes(signal) && !again) {
      draining = true;
      await (await membership).drain();
    }
    // The terminal has sent the signal to the program already; many programs take a second one as "stop at once".
    if (!(onTerminal && fromTerminal.includes(signal))) child.signal(signal);
  };
  for (const signal of [...stopping, ...passed]) {
    process.on(signal, () => {
      wasAsked = true;
      void pass(signal).catch(() => undefined);
    });
  }
  return () => wasAsked;
}
