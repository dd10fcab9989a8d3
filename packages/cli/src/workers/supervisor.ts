/**
 * The workers of `rollcall serve`: child processes that share the listening sockets by `node:cluster`. The primary starts them, replaces
 * one that ends, and stops them. For the work of a worker, see `worker-process.ts`.
 *
 *   start ─► begin ─► serving ──ends by itself──► replaced, after a pause that grows
 *                        └──────── close ───────► ended
 */

import cluster, { type Worker } from 'node:cluster';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { Ports, WorkerAccess } from '@rollcall/server';
import { CommandFailure, exitCodes } from '../failure.ts';
import type { Settings } from '../settings/table.ts';
import type { FromWorker, ToWorker } from './messages.ts';

export interface WorkersOptions {
  readonly count: number;
  readonly settings: Settings;
  readonly dnsOptional: boolean;
  readonly primary: WorkerAccess;
  readonly log: { info(fields: object, message: string): void; error(fields: object, message: string): void };
}

export interface Serving {
  readonly url: string;
  readonly ports: Ports;
}

/** Pauses before a worker is replaced: doubled up to the second value while workers end soon after their start. */
const pauseMs = { first: 100, most: 5_000 };

/** A worker that has served for this long resets the pause. */
const goodMs = 10_000;

/** A worker that does not serve this long after its start is killed: a large store takes some seconds to load. */
const startMs = 120_000;

/** Interval of checks whether a worker is alive, and the number of unanswered checks after which it is killed. */
const lookMs = 1_000;
const unansweredMax = 10;

/** A worker that has not ended this long after it was asked to is killed. */
const closeMs = 15_000;

export class Workers {
  readonly #options: WorkersOptions;
  readonly #workers = new Set<Worker>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #closing = false;
  #pauseMs = pauseMs.first;

  constructor(options: WorkersOptions) {
    this.#options = options;
    // The workers accept connections themselves. If the primary handed them over, those on their way to a worker that is killed would hang.
    cluster.schedulingPolicy = cluster.SCHED_NONE;
    cluster.setupPrimary({ exec: fileURLToPath(new URL('./worker-process.js', import.meta.url)), args: [], serialization: 'advanced' });
  }

  /**
   * Starts all; resolves when they serve.
   * @throws CommandFailure with the failure of the first of them; the others are stopped then
   */
  async start(): Promise<Serving> {
    const starting = Array.from({ length: this.#options.count }, (_, at) => this.#fork(at + 1));
    try {
      const [first] = await Promise.all(starting);
      return first as Serving;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  reloadCertificates(): void {
    for (const worker of this.#workers) tell(worker, { kind: 'reload certificates' });
  }

  /** Asks all to stop; resolves when they have ended. */
  async close(): Promise<void> {
    this.#closing = true;
    for (const timer of this.#timers) clearTimeout(timer);
    await Promise.all([...this.#workers].map((worker) => stop(worker)));
  }

  /** Resolves when the worker serves; from then on it is replaced when it ends. */
  #fork(number: number): Promise<Serving> {
    const { settings, dnsOptional, primary } = this.#options;
    const worker = cluster.fork();
    this.#workers.add(worker);
    return new Promise((resolve, reject) => {
      let servingSince: number | undefined;
      const late = setTimeout(() => worker.process.kill('SIGKILL'), startMs);
      worker.on('message', (message: FromWorker) => {
        if (message.kind === 'ready' && this.#closing) tell(worker, { kind: 'close' });
        else if (message.kind === 'ready') tell(worker, { kind: 'begin', number, memberId: randomUUID(), primary, settings, dnsOptional });
        else if (message.kind === 'failed') reject(new CommandFailure(message.exitCode, message.message));
        else if (message.kind === 'serving') {
          clearTimeout(late);
          servingSince = performance.now();
          watch(worker);
          resolve(message);
        }
      });
      worker.on('error', (error) => reject(error));
      worker.on('exit', (code, signal: NodeJS.Signals | null) => {
        clearTimeout(late);
        this.#workers.delete(worker);
        reject(new CommandFailure(exitCodes.failure, `worker ${number} ended before it served (${signal ?? `exit code ${code}`})`));
        if (servingSince !== undefined) this.#ended(number, signal ?? `exit code ${code}`, performance.now() - servingSince);
      });
    });
  }

  #ended(number: number, how: string, servedMs: number): void {
    if (this.#closing) return;
    if (servedMs >= goodMs) this.#pauseMs = pauseMs.first;
    this.#options.log.error({ worker: number, how }, 'a worker has ended; it is replaced, and its clients connect to another');
    this.#replace(number);
  }

  #replace(number: number): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#fork(number).then(
        () => this.#options.log.info({ worker: number }, 'a worker has been replaced'),
        (error: unknown) => {
          if (this.#closing) return;
          this.#options.log.error({ worker: number, err: error }, 'a worker could not be replaced; it is tried again');
          this.#replace(number);
        },
      );
    }, this.#pauseMs);
    this.#timers.add(timer);
    this.#pauseMs = Math.min(this.#pauseMs * 2, pauseMs.most);
  }
}

function tell(worker: Worker, message: ToWorker): void {
  if (worker.isConnected()) worker.send(message, () => {});
}

/** Kills a worker that does not answer: frozen, or its event loop is stuck. A stall of this process costs one check. */
function watch(worker: Worker): void {
  let unanswered = 0;
  const looking = setInterval(() => {
    if (unanswered++ >= unansweredMax) worker.process.kill('SIGKILL');
    else tell(worker, { kind: 'look' });
  }, lookMs);
  worker.on('message', ({ kind }: FromWorker) => {
    if (kind === 'alive') unanswered = 0;
  });
  worker.on('exit', () => clearInterval(looking));
}

async function stop(worker: Worker): Promise<void> {
  if (worker.isDead()) return;
  const ended = new Promise<void>((resolve) => worker.on('exit', () => resolve()));
  tell(worker, { kind: 'close' });
  const late = setTimeout(() => worker.process.kill('SIGKILL'), closeMs);
  await ended;
  clearTimeout(late);
}
