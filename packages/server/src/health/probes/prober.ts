/**
 * The prober: runs every `http`, `tcp`, `grpc` and `mcp` check in its interval, up to a number at a time, applies the
 * thresholds to the results and reports the status. A check never has two probes at the same time, and a result
 * that comes after its check was removed or redefined is dropped.
 */

import type { CheckDefinition } from '@rollcall/protocol';
import type { Logger } from 'pino';
import type { CheckRow } from '../../registry/kind/catalog/rows.ts';
import { shownUrl } from '../../outbound/http-request.ts';
import { Report, type Reports } from '../reports.ts';
import type { Wheel, WheelTimer } from '../wheel.ts';
import { capOutput } from './output.ts';
import type { Probe, ProbeResult } from './probe.ts';
import { fresh, judge, resumed, type Streak } from './thresholds.ts';

export type ProbeKind = 'http' | 'tcp' | 'grpc' | 'mcp';

/** Consul's defaults (`agent/checks/check.go`, `MinInterval`; 10 s for both). */
const intervalMinMs = 1_000;
const intervalDefaultMs = 10_000;
const timeoutDefaultMs = 10_000;

/**
 * The first probe comes after a random share of the interval, or of this time if it is shorter: a new registration gets a
 * status soon, and after a start of this process the probes of the whole fleet do not start at once.
 */
const firstFreshMs = 1_000;
const firstResumedMs = 30_000;

/** Intervals vary by this share in both directions, so that checks registered together drift apart. */
const jitter = 0.05;

export interface ProberOptions {
  readonly probes: Readonly<Record<ProbeKind, Probe>>;
  readonly wheel: Wheel;
  readonly reports: Reports;
  readonly log: Logger;
  /** Probes that may run at the same time; the others wait their turn. */
  readonly runningMax: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Called when a probe has ended; for metrics. */
  readonly onProbed: (kind: ProbeKind, outcome: ProbeResult['status']) => void;
}

interface Task {
  readonly kind: ProbeKind;
  readonly definition: CheckDefinition;
  readonly report: Report;
  streak: Streak;
  /** Timer of the next probe. */
  timer: WheelTimer | undefined;
  /** Aborts the probe that is running. */
  running: AbortController | undefined;
  /** Wait for the result of the next probe that ends; undefined while there is none. */
  waiting: ((result: ProbeResult | undefined) => void)[] | undefined;
}

export class Prober {
  readonly #options: ProberOptions;
  readonly #tasks = new Map<string, Task>();
  /** Tasks that are due, in order. */
  readonly #due = new Set<Task>();
  #running = 0;
  #closed = false;

  constructor(options: ProberOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#tasks.size;
  }

  /** Whether this process probes a check. @param key its record key */
  probes(key: string): boolean {
    return this.#tasks.has(key);
  }

  /**
   * Runs the probe of a check now, in its turn, or joins the one that is running.
   * @param key its record key
   * @returns the result; undefined if the check is not, or no longer, probed here
   */
  runNow(key: string): Promise<ProbeResult | undefined> {
    const task = this.#tasks.get(key);
    if (task === undefined) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      (task.waiting ??= []).push(resolve);
      if (task.running !== undefined) return;
      this.#due.add(task);
      this.#runDue();
    });
  }

  /** The report of a check by its record key. */
  report(key: string): Report | undefined {
    return this.#tasks.get(key)?.report;
  }

  /**
   * Follows a row of the log.
   * @param key its record key
   * @param starting true for rows from before this process started
   */
  follow(key: string, row: CheckRow | undefined, starting: boolean): void {
    const task = this.#tasks.get(key);
    const kind = row === undefined ? undefined : probeKind(row);
    if (task !== undefined && row !== undefined && kind === task.kind && same(task.definition, row.definition)) {
      this.#options.reports.follow(task.report, row);
      return;
    }
    if (task !== undefined) this.#drop(key, task);
    if (row !== undefined && kind !== undefined) this.#add(key, kind, row, starting);
  }

  /** Aborts all running probes and starts no more. */
  close(): void {
    this.#closed = true;
    for (const [key, task] of this.#tasks) this.#drop(key, task);
  }

  #add(key: string, kind: ProbeKind, row: CheckRow, starting: boolean): void {
    const task: Task = {
      kind,
      definition: row.definition,
      report: new Report(row),
      streak: starting ? resumed : fresh,
      timer: undefined,
      running: undefined,
      waiting: undefined,
    };
    this.#tasks.set(key, task);
    const atMost = Math.min(intervalOf(task), starting ? firstResumedMs : firstFreshMs);
    task.timer = this.#options.wheel.schedule(this.#options.random() * atMost, () => {
      // A probe that was asked for may be running.
      if (task.running === undefined) this.#due.add(task);
      this.#runDue();
    });
  }

  #drop(key: string, task: Task): void {
    this.#tasks.delete(key);
    this.#due.delete(task);
    task.timer?.cancel();
    task.timer = undefined;
    task.running?.abort();
    settle(task, undefined);
    this.#options.reports.forget(task.report);
  }

  #runDue(): void {
    for (const task of this.#due) {
      if (this.#running >= this.#options.runningMax || this.#closed) return;
      this.#due.delete(task);
      void this.#run(task);
    }
  }

  async #run(task: Task): Promise<void> {
    const { random, onProbed } = this.#options;
    this.#running++;
    const result = await this.#ask(task);
    this.#running--;
    // Without a timer, the task was dropped.
    if (task.timer !== undefined) {
      onProbed(task.kind, result.status);
      this.#report(task, result);
      settle(task, result);
      const share = 1 - jitter + 2 * jitter * random();
      task.timer.renew(intervalOf(task) * share);
    }
    this.#runDue();
  }

  /** Never rejects: a missing or late answer is a critical result. */
  async #ask(task: Task): Promise<ProbeResult> {
    const { probes, wheel } = this.#options;
    const { timeoutMs: wantedMs = 0 } = task.definition;
    const timeoutMs = wantedMs > 0 ? wantedMs : timeoutDefaultMs;
    const running = new AbortController();
    task.running = running;
    const timeout = wheel.schedule(timeoutMs, () => {
      running.abort(new Error(`no answer within ${timeoutMs} ms`));
    });
    try {
      // Some steps of a probe, such as name resolution, cannot be aborted, so we do not wait for them.
      return await Promise.race([probes[task.kind](task.definition, running.signal), rejectOnAbort(running.signal)]);
    } catch (error) {
      const reason: unknown = running.signal.aborted ? running.signal.reason : error;
      const message = reason instanceof Error ? reason.message : String(reason);
      return { status: 'critical', output: capOutput(`${describe(task)}: ${message}`) };
    } finally {
      timeout.cancel();
      task.running = undefined;
    }
  }

  #report(task: Task, result: ProbeResult): void {
    const { streak, status } = judge(task.streak, result.status, task.definition);
    task.streak = streak;
    if (status === undefined) return;
    this.#options.reports.tell(task.report, status, result.output)?.catch((err: unknown) => {
      if (this.#closed) return;
      this.#options.log.warn({ err, check: task.report.id }, 'the result of a probe could not be committed; the next probe will report again');
    });
  }
}

function settle(task: Task, result: ProbeResult | undefined): void {
  const { waiting = [] } = task;
  task.waiting = undefined;
  for (const resolve of waiting) resolve(result);
}

function probeKind({ type }: CheckRow): ProbeKind | undefined {
  return type === 'http' || type === 'tcp' || type === 'grpc' || type === 'mcp' ? type : undefined;
}

function intervalOf({ definition }: Task): number {
  return Math.max(intervalMinMs, definition.intervalMs ?? intervalDefaultMs);
}

function describe({ kind, definition }: Task): string {
  if (kind === 'http') return `HTTP ${definition.method ?? 'GET'} ${shownUrl(definition.http ?? '')}`;
  if (kind === 'mcp') return `MCP ${shownUrl(definition.mcp ?? '')}`;
  return kind === 'tcp' ? `TCP connect ${definition.tcp ?? ''}` : `gRPC check ${definition.grpc ?? ''}`;
}

/** Compares definitions by their text: one codec wrote them, so equal ones have equal text. */
function same(a: CheckDefinition, b: CheckDefinition): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

function rejectOnAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}
