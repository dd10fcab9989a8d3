/**
 * One stream of load reports (`StreamLoadStats`): the server says how often it wants a report of all clusters, and the client reports. Clients of gRPC open it
 * when a cluster says so, Envoy when its operator does (`load_stats_config`).
 */

import { type ClientPicks, RegistryError } from '@rollcall/protocol';
import { PickBook, type PickCounts } from '../../../clients/pick-book.ts';
import type { Clock } from '../../../clock.ts';
import type { BidiStream } from '../../../net/grpc/method.ts';
import type { Caller } from '../../../security/acl.ts';
import type { Entrance } from '../ads/entrance.ts';
import { readName } from '../resources/names.ts';
import { encode } from '../wire/any.ts';
import { decodeLoadRequest, type ClusterLoad } from '../wire/load-messages.ts';
import type { LoadBook, Reported } from './load-book.ts';

export interface LoadStreamParts {
  readonly stream: BidiStream;
  readonly entrance: Entrance;
  readonly book: LoadBook;
  /** Time between two reports. */
  readonly reportMs: number;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly onEnd: (stream: LoadStream) => void;
}

export class LoadStream {
  /** No instance lives as long as the stream. */
  readonly vouches = false;
  readonly #parts: LoadStreamParts;
  #client: { readonly home: string; caller: Caller; readonly stop: () => void } | undefined;
  readonly #picks: PickBook;
  #reportedMs: number;
  #ended = false;

  constructor(parts: LoadStreamParts) {
    const { stream, clock } = parts;
    this.#parts = parts;
    this.#picks = new PickBook(() => clock.monotonic());
    this.#reportedMs = clock.monotonic();
    stream.on('data', (bytes: Buffer) => this.#hear(bytes));
    stream.on('end', () => this.dismiss());
    for (const event of ['cancelled', 'error', 'close'] as const) stream.on(event, () => this.#over());
  }

  /** Requests of the client, by its last report: those that have ended. */
  picks(): Iterable<ClientPicks> {
    return this.#picks.picks();
  }

  /** Ends it without an error: the client opens another one. */
  dismiss(): void {
    if (this.#ended) return;
    this.#over();
    this.#parts.stream.end();
  }

  #hear(bytes: Buffer): void {
    if (this.#ended) return;
    try {
      this.#take(bytes);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** @throws RegistryError `invalid_argument`, `unauthenticated` */
  #take(bytes: Buffer): void {
    const { entrance, book, stream, reportMs } = this.#parts;
    const { node, clusters } = read(bytes);
    if (this.#client === undefined) {
      if (node === undefined) throw new RegistryError('invalid_argument', 'the first message of the stream has no node');
      const caller = entrance.enter(node);
      const stop = entrance.follow(
        caller,
        (refreshed) => {
          if (this.#client !== undefined) this.#client.caller = refreshed;
        },
        (error) => this.#fail(error),
      );
      this.#client = { home: entrance.homeOf(caller, node), caller, stop };
      stream.write(encode('LoadStatsResponse', { send_all_clusters: true, load_reporting_interval: { seconds: Math.floor(reportMs / 1_000), nanos: (reportMs % 1_000) * 1e6 } }));
    }
    const { home, caller } = this.#client;
    // A client can only speak of services that it may see.
    const visible = clusters.filter(({ name }) => {
      const { namespace, service } = readName(name, home);
      return caller.authorizer.allows(namespace, 'service', 'read', service);
    });
    const reports = visible.flatMap((cluster) => reportsOf(cluster, home));
    book.hear(this, reports, visible.reduce((sum, { dropped }) => sum + dropped, 0));
    this.#count(reports);
  }

  #count(reports: readonly Reported[]): void {
    const counts = new Map<string, PickCounts>();
    for (const { namespace, service, succeeded, failed } of reports) {
      const key = `${namespace}\0${service}`;
      const { picks = 0, failures = 0 } = counts.get(key) ?? {};
      counts.set(key, { namespace, service, picks: picks + succeeded + failed, failures: failures + failed });
    }
    const nowMs = this.#parts.clock.monotonic();
    const intervalMs = Math.max(1_000, nowMs - this.#reportedMs);
    this.#reportedMs = nowMs;
    this.#picks.hear([...counts.values()].filter(({ picks }) => picks > 0), intervalMs);
  }

  #fail(error: unknown): void {
    if (this.#ended) return;
    this.#over();
    this.#parts.entrance.refuse(this.#parts.stream, error);
  }

  #over(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#client?.stop();
    this.#parts.book.forget(this);
    this.#parts.onEnd(this);
  }
}

function reportsOf({ name, localities }: ClusterLoad, home: string): readonly Reported[] {
  const { namespace, service } = readName(name, home);
  return localities.map((locality) => ({ namespace, service, ...locality }));
}

function read(bytes: Buffer): ReturnType<typeof decodeLoadRequest> {
  try {
    return decodeLoadRequest(bytes);
  } catch (cause) {
    throw new RegistryError('invalid_argument', `the message of ${bytes.length} bytes is no load report: ${(cause as Error).message}`, { cause });
  }
}
