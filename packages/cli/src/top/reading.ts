/** What `rollcall top` asks the registry, again and again: it answers only when something has changed, by its `ETag`. */

import { adminCall, textOf, understood, type Target } from '../admin-call.ts';
import { defaultNamespace, serviceHealthSchema, topologySchema, type Schema, type Shaped } from '@rollcall/protocol';
import { rowsOf, type Row } from './rows.ts';

export interface Read {
  readonly rows: readonly Row[];
  /** Nodes that have not answered: their clients are left out. */
  readonly missing: readonly string[];
}

interface Kept<T> {
  readonly tag: string;
  readonly content: T;
}

export class Reading {
  readonly #target: Target;
  readonly #namespace: string;
  readonly #kept = new Map<string, Kept<unknown>>();

  constructor(target: Target) {
    this.#target = target;
    this.#namespace = target.namespace ?? defaultNamespace;
  }

  /** @throws CommandFailure as `adminCall`; the signal's reason */
  async read(signal?: AbortSignal): Promise<Read> {
    const query = new URLSearchParams({ namespace: this.#namespace });
    const [{ services }, { edges, missing }] = await Promise.all([
      this.#ask('/rollcall/v1/health', serviceHealthSchema, signal),
      this.#ask(`/rollcall/v1/topology?${query.toString()}`, topologySchema, signal),
    ]);
    return { rows: rowsOf(services, edges, this.#namespace), missing };
  }

  async #ask<S extends Schema>(path: string, schema: S, signal: AbortSignal | undefined): Promise<Shaped<S>> {
    const kept = this.#kept.get(path) as Kept<Shaped<S>> | undefined;
    const answer = await adminCall({ ...this.#target, path, expect: 'application/json', silenceMs: 5_000, ...(signal === undefined ? {} : { signal }), ...(kept === undefined ? {} : { tag: kept.tag }) });
    const text = await textOf(answer);
    if (answer.statusCode === 304 && kept !== undefined) return kept.content;
    const content = understood(this.#target.servers, JSON.parse(text), schema);
    const { etag } = answer.headers;
    if (etag !== undefined) this.#kept.set(path, { tag: etag, content });
    return content;
  }
}
