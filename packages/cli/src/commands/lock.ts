/**
 * `rollcall lock PREFIX -- COMMAND…`: runs a program while it holds a lock, as `consul lock` does, with the same keys. The lock
 * itself is in `lock/`. With `--fenced` it is a lock of Rollcall, which has a queue and a token (`lock/run-fenced.ts`).
 */

import { hostname } from 'node:os';
import { Option, type Command } from 'commander';
import { namespacedTargetOf } from '../admin-call.ts';
import { startWords, type Child } from '../child.ts';
import type { CommandContext } from '../command-context.ts';
import { addExamples } from '../examples.ts';
import { CommandFailure, exitCodes, usage } from '../failure.ts';
import { holdSession, type HeldSession } from '../lock/held-session.ts';
import { Lock, type Claim } from '../lock/lock.ts';
import { runFenced } from '../lock/run-fenced.ts';
import { LockStore } from '../lock/lock-store.ts';
import { Semaphore } from '../lock/semaphore.ts';
import { count, duration } from '../option-values.ts';
import { addNamespacedOptions, type RegistryFlags } from '../servers.ts';
import { signalNumber, stopSignals, type StopSignals } from '../signals.ts';
import { remark } from '../terminal.ts';

interface LockFlags extends RegistryFlags {
  readonly n: number;
  readonly name?: string;
  readonly timeout: number;
  readonly monitorRetry: number;
  readonly fenced?: true;
  readonly ttl: number;
  readonly passStdin?: true;
  readonly shell?: boolean;
  readonly verbose?: true;
}

/** Time for the program to end by itself, as in Consul. */
const graceMs = 5_000;

export function addLock(parent: Command, context: CommandContext): void {
  const command = parent
    .command('lock')
    .description('run a program while holding a lock: one process at a time on all machines, or several with -n. It excludes "consul lock", too; new scripts take --fenced')
    .showHelpAfterError('(the program and its arguments come after "--"; --help lists the options)')
    .argument('<prefix>', 'prefix of the lock, which is the key PREFIX/.lock')
    .argument('<command...>', 'the program and its arguments, after "--"; a single word is run by the shell')
    .addOption(new Option('-n <count>', 'number of processes that may hold it at once; all that use the prefix must give the same number').argParser(count(10_000)).default(1))
    .option('--name <name>', 'name of the session, shown to operators')
    .addOption(new Option('--timeout <duration>', 'longest time to wait for the lock').argParser(duration).default(0, 'no limit'))
    .addOption(new Option('--monitor-retry <count>', 'failures of the registry in a row, a second apart, before the lock counts as lost').argParser(retries).default(3))
    .option('--fenced', 'hold a lock of Rollcall, which "consul lock" does not see: in order of arrival, taken over after --ttl, with a fencing token in ROLLCALL_LOCK_TOKEN')
    .addOption(new Option('--ttl <duration>', 'with --fenced: time after which another gets the lock when this process is silent, 1s to 10m').argParser(duration).default(10_000, '10s'))
    .option('--pass-stdin', 'let the program read standard input')
    .option('--shell', 'run the command in a shell, even if it has several words')
    .option('--no-shell', 'run the command without a shell')
    .option('--verbose', 'report on stderr when it waits for the lock and when it holds it')
    // Consul's flag for passing the exit code on; here it always is.
    .addOption(new Option('--child-exit-code').hideHelp());
  addExamples(
    addNamespacedOptions(command),
    'rollcall lock jobs/report -- ./report --day today',
    "rollcall lock --timeout 10s jobs/report 'make report'",
    'rollcall lock -n 3 workers/resize -- ./worker',
    'rollcall lock --fenced invoices/2026 -- ./close-year',
  );
  command.action((prefix: string, words: readonly string[], flags: LockFlags) => lock(prefix, words, flags, context));
}

async function lock(prefix: string, words: readonly string[], flags: LockFlags, { terminal, setExitCode }: CommandContext): Promise<void> {
  if (/^\/*$/.test(prefix)) throw usage('the prefix is empty; name the place of the lock, such as jobs/report');
  const { n, name = `rollcall lock ${prefix}: ${words[0] ?? ''}`, timeout, monitorRetry, passStdin, shell, verbose } = flags;
  const tell = (line: string) => {
    if (verbose === true) remark(terminal, line);
  };
  if (flags.fenced === true) {
    const held = { name: prefix, words, purpose: n === 1 ? 'lock' : 'semaphore', limit: n, ttlMs: flags.ttl, timeoutMs: timeout, bound: false, isAgain: false, value: flags.name ?? hostname() } as const;
    await runFenced({ ...held, shell, passStdin: passStdin === true, verbose: verbose === true }, flags, { terminal, setExitCode });
    return;
  }
  const store = new LockStore(await namespacedTargetOf(flags, terminal));
  const session = await holdSession(store, name);
  const signals = stopSignals();
  const stopped = new AbortController();
  const { signal } = stopped;
  const options = { store, session, prefix, timeoutMs: timeout, monitorRetries: monitorRetry, signal };
  const claim = n === 1 ? new Lock(options) : new Semaphore(options, n);
  try {
    tell(`waiting for ${prefix}`);
    const early = await take(claim, session, signals);
    if (typeof early === 'string') {
      setExitCode(128 + signalNumber(early));
      return;
    }
    tell(`${prefix} is held`);
    const input = passStdin === true ? {} : { input: 'nothing' as const };
    const child = await startWords(words, { shell, ...input, env: { CONSUL_LOCK_HELD: 'true' } });
    setExitCode(await whileHeld(child, { claim, session, signals, tell: (line) => remark(terminal, line) }));
  } finally {
    stopped.abort();
    // A lock that could not be released ends with the session; if the registry is unreachable, the session ends by its TTL.
    await claim.release().catch((error: unknown) => tell(`not released: ${(error as Error).message}`));
    await session.end().catch((error: unknown) => tell(`the session ends by its TTL: ${(error as Error).message}`));
  }
}

/** @returns the signal that came first, if one did */
async function take(claim: Claim, { lost }: HeldSession, signals: StopSignals): Promise<NodeJS.Signals | undefined> {
  const taking = claim.take();
  // After a signal, the attempt fails because of the signal.
  taking.catch(() => undefined);
  const ended = lost.then((reason) => {
    throw new CommandFailure(exitCodes.failure, `the lock was not taken: ${reason}`);
  });
  ended.catch(() => undefined);
  const first = await Promise.race([taking, signals.first, ended]);
  if (typeof first === 'string') return first;
  if (!first) throw new CommandFailure(exitCodes.failure, 'the lock was not free in time');
  return undefined;
}

interface Holding {
  readonly claim: Claim;
  readonly session: HeldSession;
  readonly signals: StopSignals;
  readonly tell: (line: string) => void;
}

/** @returns the program's exit code. @throws CommandFailure when the lock was lost; the program has ended then, too */
async function whileHeld(child: Child, { claim, session, signals, tell }: Holding): Promise<number> {
  const lost = Promise.race([claim.watch(), session.lost]);
  const first = await Promise.race([
    child.ended.then((code) => ({ code })),
    signals.first.then((signal) => ({ signal })),
    lost.then((reason) => ({ reason })),
  ]).catch(async (error: unknown) => {
    await stop(child, signals);
    throw error;
  });
  if ('code' in first) return first.code;
  if ('reason' in first) tell(`the lock is lost, and the program is stopped: ${first.reason}`);
  const code = await stop(child, signals);
  if ('signal' in first) return code;
  throw new CommandFailure(exitCodes.failure, 'the program was stopped, since the lock was lost');
}

/** Sends SIGTERM, then SIGKILL if the program does not end in time or the user asks again. */
async function stop(child: Child, signals: StopSignals): Promise<number> {
  child.signal('SIGTERM');
  const kill = () => child.signal('SIGKILL');
  const timer = setTimeout(kill, graceMs);
  void signals.second.then(kill);
  const code = await child.ended;
  clearTimeout(timer);
  return code;
}

function retries(text: string): number {
  return text === '0' ? 0 : count(1_000)(text);
}
