/**
 * Checks contents in a thread of its own, one after the other, each within a time limit and a limit of memory. A check that breaks a limit
 * is refused and its thread ended; the next check gets a new one. The main thread does nothing but copy texts, so its turns stay short
 * whatever a content or schema does.
 *
 *   check ─► size ─► queue ─► thread ─► answer
 *                      │         └─ too long, out of memory: fault `time`, new thread for the rest of the queue
 *                      └─ too many: resource_exhausted
 */

import { Worker } from 'node:worker_threads';
import { RegistryError, type ConfigFormat } from '@rollcall/protocol';
import { systemClock, type Clock } from '../clock.ts';
import { sizeFault, timeFault } from './check.ts';
import { contentError, type ContentChecks, type ContentFault, type ContentQuestion } from './content.ts';
import type { Job, JobAnswer } from './job.ts';

export interface CheckerOptions {
  /** Milliseconds that one check may run. */
  readonly limitMs?: number;
  readonly clock?: Clock;
}

/** A megabyte of YAML with 33,000 small maps, the slowest usual content, takes 1.9 s of processor time; of JSON, 0.2 s (Node 20.20). */
const defaultLimitMs = 5_000;
/** The limit is counted in so many slices. After a stall of this process the timer is due before the thread's answer is read; it costs one slice. */
const slices = 10;
/** The tree of a megabyte of YAML has 300 MB. */
const memoryMb = 512;
/** Checks that wait; each holds a content of a megabyte at most. */
const waitingMax = 64;

// Tests run the TypeScript sources, which a thread of Node 20 cannot: there it gets the built file.
const threadFile = new URL(import.meta.url.endsWith('.ts') ? '../../dist/config-content/thread.js' : './thread.js', import.meta.url);

interface Waiting {
  readonly job: Job;
  readonly settle: (answer: JobAnswer | 'stopped') => void;
}

export class ContentChecker implements ContentChecks {
  readonly #limitMs: number;
  readonly #queue: Waiting[] = [];
  #worker: Worker | undefined;
  #running: Waiting | undefined;
  #endTimer: (() => void) | undefined;
  readonly #clock: Clock;
  #isClosed = false;

  constructor({ limitMs = defaultLimitMs, clock = systemClock }: CheckerOptions = {}) {
    this.#clock = clock;
    this.#limitMs = limitMs;
  }

  async check(question: ContentQuestion): Promise<readonly ContentFault[]> {
    const tooLarge = sizeFault(question.content);
    return tooLarge === undefined ? this.#faults({ kind: 'check', question }) : [tooLarge];
  }

  checkSchema(schema: string): Promise<readonly ContentFault[]> {
    return this.#faults({ kind: 'schema', schema });
  }

  async flatten(content: string, format: ConfigFormat): Promise<string> {
    const tooLarge = sizeFault(content);
    if (tooLarge !== undefined) throw contentError([tooLarge]);
    const answer = await this.#ask({ kind: 'flatten', content, format });
    if (answer === 'stopped') throw contentError([timeFault(this.#limitMs)]);
    return resultOf(answer) as string;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { settle } of this.#queue.splice(0)) settle(closed);
    this.#running?.settle(closed);
    this.#running = undefined;
    this.#endTimer?.();
    await this.#worker?.terminate();
  }

  async #faults(job: Job): Promise<readonly ContentFault[]> {
    const answer = await this.#ask(job);
    return answer === 'stopped' ? [timeFault(this.#limitMs)] : (resultOf(answer) as readonly ContentFault[]);
  }

  #ask(job: Job): Promise<JobAnswer | 'stopped'> {
    if (this.#isClosed) return Promise.resolve(closed);
    if (this.#queue.length >= waitingMax) {
      throw new RegistryError('resource_exhausted', `${waitingMax} checks of contents wait already; try again in a few seconds`);
    }
    return new Promise((settle) => {
      this.#queue.push({ job, settle });
      this.#next();
    });
  }

  #next(): void {
    if (this.#running !== undefined || this.#queue.length === 0 || this.#isClosed) return;
    // A thread that has just begun says when it is ready: its start is not the time of a check.
    if (this.#worker === undefined) {
      this.#start();
      return;
    }
    this.#running = this.#queue.shift();
    this.#worker.ref();
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origins
    this.#worker.postMessage(this.#running?.job);
    this.#limit(slices);
  }

  #limit(left: number): void {
    this.#endTimer = this.#clock.timer(this.#limitMs / slices, () => (left > 1 ? this.#limit(left - 1) : this.#stop()));
  }

  #start(): void {
    const worker = new Worker(threadFile, { resourceLimits: { maxOldGenerationSizeMb: memoryMb }, env: {}, execArgv: [] });
    this.#worker = worker;
    let isReady = false;
    worker.on('message', (message: 'ready' | JobAnswer) => {
      if (this.#worker !== worker) return;
      if (message === 'ready') isReady = true;
      else this.#finish(message);
      this.#next();
    });
    worker.on('error', (error) => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      // Out of memory, or a fault of ours: neither may end the process, and no caller may wait without end.
      if (isReady) this.#finish('stopped');
      else for (const { settle } of this.#queue.splice(0)) settle({ ok: false, code: 'internal', message: `contents cannot be checked: ${error.message}` });
      this.#next();
    });
    worker.on('exit', () => {
      if (this.#worker === worker) this.#worker = undefined;
    });
  }

  #finish(answer: JobAnswer | 'stopped'): void {
    this.#endTimer?.();
    const done = this.#running;
    this.#running = undefined;
    // An idle thread does not keep the process alive.
    this.#worker?.unref();
    done?.settle(answer);
  }

  #stop(): void {
    const worker = this.#worker;
    this.#worker = undefined;
    void worker?.terminate();
    this.#finish('stopped');
    this.#next();
  }
}

const closed: JobAnswer = { ok: false, code: 'unavailable', message: 'the server is closing' };

function resultOf(answer: JobAnswer): readonly ContentFault[] | string {
  if (answer.ok) return answer.result;
  throw new RegistryError(answer.code, answer.message);
}
