/**
 * The events of a run, as its clients saw them: one line of JSON for each, in a file that outlives the run, so that it can be
 * judged again without another run. Times are milliseconds since the start of the run, on one monotonic clock.
 */

import { appendFileSync, readFileSync } from 'node:fs';
import type { FencedWrite, Grant, Held } from './check/fencing.ts';
import type { IndexSeen } from './check/index-order.ts';
import type { KeyInput, KeyOutput } from './check/key-model.ts';
import type { Operation } from './check/linearizable.ts';
import type { ListTransaction } from './check/list-append.ts';
import type { LockInput, LockOutput } from './check/lock-model.ts';
import type { GuardedWrite, NativeGrant, NativeHolders, StoredWrite } from './check/native-locks.ts';
import type { WatchEvent } from './check/watch.ts';
import type { ZnodeInput, ZnodeOutput } from './check/znode-model.ts';

/** An operation without its return has an unknown outcome: JSON has no `Infinity`. */
type Written<Input, Output> = Omit<Operation<Input, Output>, 'output' | 'return'> & { readonly output?: Output; readonly return?: number };

export type HistoryEvent =
  | { readonly t: 'key'; readonly key: string; readonly operation: Written<KeyInput, KeyOutput> }
  | { readonly t: 'znode'; readonly path: string; readonly operation: Written<ZnodeInput, ZnodeOutput> }
  | { readonly t: 'lock'; readonly lock: string; readonly operation: Written<LockInput, LockOutput> }
  | { readonly t: 'list'; readonly transaction: ListTransaction }
  | { readonly t: 'grant'; readonly grant: Grant }
  | { readonly t: 'held'; readonly held: Held }
  | { readonly t: 'fenced'; readonly lock: string; readonly write: FencedWrite }
  | { readonly t: 'native-grant'; readonly grant: NativeGrant }
  | { readonly t: 'native-holders'; readonly holders: NativeHolders }
  | { readonly t: 'guarded'; readonly write: GuardedWrite }
  /** All guarded writes that the store has at the end. */
  | { readonly t: 'guarded-end'; readonly stored: readonly StoredWrite[] }
  | { readonly t: 'watch'; readonly view: string; readonly watcher: string; readonly event: WatchEvent; readonly from?: number }
  | { readonly t: 'watch-end'; readonly view: string; readonly watcher: string; readonly connected: boolean }
  | { readonly t: 'final'; readonly view: string; readonly content: Readonly<Record<string, string>> }
  /**
   * An instance was seen registered, or its process was killed. `graceMs`: how long the registry may keep it then; `orphanMs`: how long from the end of
   * a fault that was under way meanwhile, in which its node may have left; as `graceMs` when absent.
   */
  | { readonly t: 'life'; readonly instance: string; readonly at: number; readonly what: 'registered' | 'ended'; readonly graceMs: number; readonly orphanMs?: number }
  | { readonly t: 'sight'; readonly node: string; readonly asked: number; readonly told: number; readonly passing: readonly string[]; readonly stale: boolean }
  | { readonly t: 'index'; readonly seen: IndexSeen }
  /** A fault of the plan, from its begin to the end of its effect. */
  | { readonly t: 'fault'; readonly what: string; readonly at: number; readonly until: number; readonly forgets?: true }
  /** A failure that needs no checker, such as a node that does not come back. */
  | { readonly t: 'breach'; readonly text: string };

export class History {
  readonly events: HistoryEvent[] = [];
  readonly #started = performance.now();
  readonly #file: string | undefined;
  #unwritten: string[] = [];

  /** @param file gets a line for each event; none by default */
  constructor(file?: string) {
    this.#file = file;
  }

  /** Milliseconds since the start of the run. */
  now(): number {
    return performance.now() - this.#started;
  }

  add(event: HistoryEvent): void {
    this.events.push(event);
    if (this.#file === undefined) return;
    this.#unwritten.push(JSON.stringify(event));
    if (this.#unwritten.length >= 256) this.flush();
  }

  flush(): void {
    if (this.#file === undefined || this.#unwritten.length === 0) return;
    appendFileSync(this.#file, `${this.#unwritten.join('\n')}\n`);
    this.#unwritten = [];
  }
}

export function readHistory(file: string): HistoryEvent[] {
  const lines = readFileSync(file, 'utf8').split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as HistoryEvent);
}

/** The history in the form that the checkers read. */
export function operationOf<Input, Output>({ client, input, output, call, return: end, until }: Written<Input, Output>): Operation<Input, Output> {
  return { client, input, output, call, return: output === undefined ? Infinity : (end ?? Infinity), until };
}
