/**
 * The topology of what this node knows: which service, or which client without a service, uses which service. An edge comes from watches of
 * services and from reports of picks.
 *
 * A client that has registered several services is a source for each of them: its picks are shared out evenly, since it does not say for which
 * of them it made a request.
 */

import type { TopologyEdge } from '@rollcall/protocol';
import type { ConnectedClient } from './client.ts';
import { linesMax, type Lines } from './question.ts';

type Source = Pick<TopologyEdge, 'fromKind' | 'fromNamespace' | 'from'>;

/** An edge while it is added up. */
interface Sum extends Source, Pick<TopologyEdge, 'toNamespace' | 'to'> {
  watches: number;
  picksPerSecond: number;
  failuresPerSecond: number;
  /** Of the requests whose latency is known. */
  timedPerSecond: number;
  meanMs: number;
  p99Ms: number;
}

export class Edges {
  readonly #sums = new Map<string, Sum>();

  /** Edges that were left out beyond the limit. */
  #left = 0;

  /** Adds the edges of a client. */
  *add(client: ConnectedClient): Generator<void, void, undefined> {
    const sources = sourcesOf(client);
    const watched = new Set<string>();
    for (const { kind, namespace, name } of client.watches?.() ?? []) {
      yield;
      const key = `${namespace}\0${name}`;
      if (kind !== 'service' || watched.has(key)) continue;
      watched.add(key);
      for (const source of sources) {
        const sum = this.#of(source, namespace, name);
        if (sum !== undefined) sum.watches++;
      }
    }
    for (const { namespace, service, picksPerSecond, failuresPerSecond, meanMs, p99Ms } of client.picks?.() ?? []) {
      for (const source of sources) {
        const share = 1 / sources.length;
        put(this.#of(source, namespace, service), { picksPerSecond: picksPerSecond * share, failuresPerSecond: failuresPerSecond * share, meanMs, p99Ms });
      }
    }
  }

  /** Adds an edge of another node. */
  join(edge: TopologyEdge): void {
    const sum = this.#of(edge, edge.toNamespace, edge.to);
    if (sum !== undefined) sum.watches += edge.watches;
    put(sum, edge);
  }

  /** @param namespace only edges from or to it; all by default */
  *all(namespace?: string): Generator<TopologyEdge, void, undefined> {
    for (const { timedPerSecond, meanMs, p99Ms, ...sum } of this.#sums.values()) {
      if (namespace !== undefined && sum.toNamespace !== namespace && sum.fromNamespace !== namespace) continue;
      const times = { ...(timedPerSecond > 0 ? { meanMs: rounded(meanMs / timedPerSecond) } : {}), ...(p99Ms > 0 ? { p99Ms: rounded(p99Ms) } : {}) };
      yield { ...sum, picksPerSecond: rounded(sum.picksPerSecond), failuresPerSecond: rounded(sum.failuresPerSecond), ...times };
    }
  }

  /** As lines, a step for each edge. */
  *lines(namespace: string): Generator<void, Lines, undefined> {
    const lines: string[] = [];
    for (const edge of this.all(namespace)) {
      lines.push(JSON.stringify(edge));
      yield;
    }
    return { lines, count: lines.length + this.#left, missing: [] };
  }

  #of({ fromKind, fromNamespace, from }: Source, toNamespace: string, to: string): Sum | undefined {
    const key = `${fromKind}\0${fromNamespace}\0${from}\0${toNamespace}\0${to}`;
    const known = this.#sums.get(key);
    if (known !== undefined) return known;
    if (this.#sums.size >= linesMax) {
      this.#left++;
      return undefined;
    }
    const sum: Sum = { fromKind, fromNamespace, from, toNamespace, to, watches: 0, picksPerSecond: 0, failuresPerSecond: 0, timedPerSecond: 0, meanMs: 0, p99Ms: 0 };
    this.#sums.set(key, sum);
    return sum;
  }
}

interface Added {
  readonly picksPerSecond: number;
  readonly failuresPerSecond: number;
  readonly meanMs?: number | undefined;
  readonly p99Ms?: number | undefined;
}

function put(sum: Sum | undefined, { picksPerSecond, failuresPerSecond, meanMs, p99Ms = 0 }: Added): void {
  if (sum === undefined) return;
  sum.picksPerSecond += picksPerSecond;
  sum.failuresPerSecond += failuresPerSecond;
  if (meanMs !== undefined) {
    sum.timedPerSecond += picksPerSecond;
    sum.meanMs += meanMs * picksPerSecond;
  }
  sum.p99Ms = Math.max(sum.p99Ms, p99Ms);
}

/** The services that a client has registered, or its name. */
function sourcesOf(client: ConnectedClient): readonly Source[] {
  const services = new Map<string, Source>();
  for (const { namespace: fromNamespace, service: from } of client.instances?.() ?? []) services.set(`${fromNamespace}\0${from}`, { fromKind: 'service', fromNamespace, from });
  return services.size > 0 ? [...services.values()] : [{ fromKind: 'client', fromNamespace: client.namespace, from: client.client }];
}

/** Three digits after the point: a request in 10 s is 0.1 a second. */
function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
