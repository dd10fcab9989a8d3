/**
 * Runs a program while a lock of Rollcall is held: in order of arrival, and with a fencing token in its environment. The program is stopped
 * before the registry may give the lock to another: SIGTERM while there is time for it to end, SIGKILL at the local deadline.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { HeldLock, LeaseState, Rollcall } from '@rollcall/client';
import { withTimeLimit } from '@rollcall/protocol';
import { startWords, type Child } from '../child.ts';
import type { CommandContext } from '../command-context.ts';
import { CommandFailure, exitCodes } from '../failure.ts';
import { followRegistry } from '../registry.ts';
import type { RegistryFlags } from '../servers.ts';
import { signalNumber, stopSignals, type StopSignals } from '../signals.ts';
import { remark } from '../terminal.ts';

export interface FencedRun {
  readonly name: string;
  readonly words: readonly string[];
  /** A semaphore with `limit` holders at once, a lock, or an election. */
  readonly purpose: 'semaphore' | 'lock' | 'election';
  readonly limit: number;
  readonly ttlMs: number;
  /** 0: no limit. */
  readonly timeoutMs: number;
  readonly bound: boolean;
  /** After a loss it waits again, and runs the program again. */
  readonly isAgain: boolean;
  /** What observers see of it. */
  readonly value: string;
  readonly shell: boolean | undefined;
  readonly passStdin: boolean;
  readonly verbose: boolean;
}

/** Longest time for the program to end by itself. */
const graceMsMax = 5_000;

/** Two waits with `--again` begin at least this far apart. */
const againMs = 1_000;

/** @throws CommandFailure when the lock was not free in time, or was lost and it does not try again; the program has ended then */
export async function runFenced(run: FencedRun, flags: RegistryFlags, { terminal, setExitCode }: CommandContext): Promise<void> {
  const signals = stopSignals();
  const stopped = new AbortController();
  void signals.first.then((signal) => stopped.abort(signal));
  await followRegistry({ terminal, flags, name: run.value }, async (rollcall) => {
    for (;;) {
      const began = performance.now();
      const end = await runOnce({ run, rollcall, signals, stopped: stopped.signal, remark: (line) => remark(terminal, line) });
      if (end !== 'lost') {
        setExitCode(end);
        return;
      }
      if (!run.isAgain || stopped.signal.aborted) throw new CommandFailure(exitCodes.failure, 'the program was stopped, since the lock was lost');
      await sleep(Math.max(0, began + againMs - performance.now()), undefined, { signal: stopped.signal }).catch(() => undefined);
    }
  });
}

interface Attempt {
  readonly run: FencedRun;
  readonly rollcall: Rollcall;
  readonly signals: StopSignals;
  /** Aborts with the first signal as its reason. */
  readonly stopped: AbortSignal;
  readonly remark: (line: string) => void;
}

/** @returns the exit code, or that the lock was lost @throws CommandFailure when it was not free in time */
async function runOnce({ run, rollcall, signals, stopped, remark }: Attempt): Promise<number | 'lost'> {
  const tell = (line: string) => {
    if (run.verbose) remark(line);
  };
  const states = new StateTeller();
  const { name, timeoutMs } = run;
  tell(`waiting for ${name}`);
  let lock: HeldLock;
  const waiting = timeoutMs === 0 ? stopped : withTimeLimit(timeoutMs, stopped);
  try {
    lock = await acquired(rollcall, run, { signal: waiting, onState: (state) => states.tell(state) });
  } catch (error) {
    if (stopped.aborted) return 128 + signalNumber(stopped.reason as NodeJS.Signals);
    if (waiting.aborted) throw new CommandFailure(exitCodes.failure, 'the lock was not free in time', { cause: error });
    throw error;
  }
  try {
    tell(`${name} is held with token ${lock.token}`);
    const env = { ROLLCALL_LOCK_NAME: name, ROLLCALL_LOCK_TOKEN: String(lock.token) };
    const child = await startWords(run.words, { shell: run.shell, ...(run.passStdin ? {} : { input: 'nothing' as const }), env });
    const ending = new Ending(child, lock, Math.min(graceMsMax, run.ttlMs / 4), remark);
    states.follow((state) => ending.follow(state));
    void signals.first.then(() => ending.stop());
    void signals.second.then(() => child.signal('SIGKILL'));
    const code = await child.ended;
    ending.close();
    return ending.isLost ? 'lost' : code;
  } finally {
    // A lock that could not be released ends with its TTL.
    await lock.release().catch((error: unknown) => tell(`not released: ${(error as Error).message}`));
  }
}

interface Waiting {
  readonly signal: AbortSignal;
  readonly onState: (state: LeaseState) => void;
}

function acquired(rollcall: Rollcall, { name, purpose, limit, ttlMs: ttl, bound, value }: FencedRun, { signal, onState }: Waiting): Promise<HeldLock> {
  const options = { ttl, bound, value, onState };
  if (purpose === 'election') return rollcall.election(name, options).campaign({ signal });
  return purpose === 'lock' ? rollcall.lock(name, { ...options, signal }) : rollcall.semaphore(name, limit).acquire({ ...options, signal });
}

/** States that come before the program runs are told when it does. */
class StateTeller {
  #last: LeaseState | undefined;
  #listener: (state: LeaseState) => void = () => {};

  tell(state: LeaseState): void {
    this.#last = state;
    this.#listener(state);
  }

  follow(listener: (state: LeaseState) => void): void {
    this.#listener = listener;
    if (this.#last !== undefined) listener(this.#last);
  }
}

/** How a program comes to its end. */
class Ending {
  /** The lock was lost, or was about to be. */
  isLost = false;
  readonly #child: Child;
  readonly #lock: HeldLock;
  readonly #graceMs: number;
  readonly #tell: (line: string) => void;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(child: Child, lock: HeldLock, graceMs: number, tell: (line: string) => void) {
    this.#child = child;
    this.#lock = lock;
    this.#graceMs = graceMs;
    this.#tell = tell;
  }

  follow(state: LeaseState): void {
    if (this.#closed) return;
    if (state === 'leading') clearTimeout(this.#timer);
    if (state === 'uncertain') this.#timer = setTimeout(() => this.#lose('SIGTERM', 'the registry does not renew it'), Math.max(0, this.#lock.remainingMs() - this.#graceMs));
    if (state === 'lost') this.#lose('SIGKILL', (this.#lock.signal.reason as Error | undefined)?.message ?? 'another may hold it');
  }

  /** A user or supervisor wants it to end: its lock is held until then. */
  stop(): void {
    this.#child.signal('SIGTERM');
    setTimeout(() => {
      if (!this.#closed) this.#child.signal('SIGKILL');
    }, graceMsMax).unref();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #lose(signal: NodeJS.Signals, why: string): void {
    if (!this.isLost) this.#tell(`the lock is lost, and the program is stopped: ${why}`);
    this.isLost = true;
    this.#child.signal(signal);
  }
}
