/** The methods of xDS and their streams; loaded only by a server that serves gRPC. */

import { RegistryError } from '@rollcall/protocol';
import type { ConnectedClient } from '../../clients/client.ts';
import type { ZoneLoads } from '../../clients/zone-loads.ts';
import type { Context } from '../../net/frontend.ts';
import type { BidiStream, GrpcMethod, Header, Link } from '../../net/grpc/method.ts';
import { moveAll } from '../../net/moving.ts';
import { assertAccessDeclared, type Access } from '../../security/access.ts';
import { Entrance } from './ads/entrance.ts';
import { AdsStream } from './ads/stream.ts';
import { delta, sotw, type Variant } from './ads/variant.ts';
import { Catalog } from './catalog/catalog.ts';
import { LoadBook } from './load/load-book.ts';
import { LoadStream, type LoadStreamParts } from './load/load-stream.ts';
import { ZoneWeigher } from './load/zone-weigher.ts';
import { paths } from './wire/schema.ts';

/** Streams of all clients together: each has buffers of its own, even one that asks for nothing. */
export const streamsMax = 10_000;

interface Method {
  readonly name: string;
  readonly path: string;
  readonly access: Access;
  /** Undefined for load reports. */
  readonly variant?: Variant;
}

/** An open stream of any method. */
interface Open {
  readonly vouches: false;
  dismiss(): void;
}

const access: Access = { kind: 'filters', resources: ['service'] };

/** The visible surface. */
export const xdsMethods: readonly Method[] = [
  { name: 'StreamAggregatedResources', path: paths.sotw, access, variant: sotw },
  { name: 'DeltaAggregatedResources', path: paths.delta, access, variant: delta },
  { name: 'StreamLoadStats', path: paths.load, access },
];

export interface XdsOptions {
  /** Time between two load reports of a client, and between two steps of the weights of zones; 10,000 by default. */
  readonly reportMs?: number;
}

export class Xds {
  readonly #context: Context;
  readonly #catalog: Catalog;
  readonly #book = new LoadBook();
  readonly #weigher: ZoneWeigher;
  readonly #streams = new Set<Open>();
  readonly #reportMs: number;
  /** Clients report their load on the connection on which they ask for resources. */
  readonly #loads = new Map<Link, LoadStream>();
  #closing = false;
  #cancelStep: () => void = () => {};

  /** @throws RegistryError `failed_precondition` if a method declares no access */
  constructor(context: Context, loads: ZoneLoads, { reportMs = 10_000 }: XdsOptions = {}) {
    assertAccessDeclared('xds', xdsMethods);
    this.#context = context;
    this.#reportMs = reportMs;
    this.#catalog = new Catalog(context);
    this.#weigher = new ZoneWeigher({ context, catalog: this.#catalog, loads });
    loads.hear(() => this.#book.loads());
    this.#stepLater();
    context.clients.add(() => this.#connected());
    const { metrics } = context;
    metrics.observe('rollcall_xds_streams', 'Open streams of clients of xDS', () => this.#streams.size);
    metrics.observe('rollcall_xds_services', 'Services that this node follows for clients of xDS', () => [...this.#catalog.services].length);
    metrics.observe('rollcall_xds_client_requests_in_progress', 'Requests under way, as clients of xDS report them', () => this.#book.inProgress);
    metrics.observeTotal('rollcall_xds_client_requests_succeeded_total', 'Requests that succeeded, as clients of xDS report them', () => this.#book.totals.succeeded);
    metrics.observeTotal('rollcall_xds_client_requests_failed_total', 'Requests that failed, as clients of xDS report them', () => this.#book.totals.failed);
    metrics.observeTotal('rollcall_xds_client_requests_dropped_total', 'Requests that clients of xDS did not send, as they report them', () => this.#book.totals.dropped);
    metrics.observe('rollcall_xds_endpoints_left_out', 'Instances of those services that clients of xDS cannot use', () => this.#leftOut());
  }

  get methods(): readonly GrpcMethod[] {
    return xdsMethods.map(({ name, path, variant }) => ({ kind: 'bidi', path, call: (link, stream, header) => this.#open({ link, stream, header, variant, route: `xds ${name}` }) }));
  }

  drain(): Promise<void> {
    this.#closing = true;
    return moveAll(this.#streams, this.#context);
  }

  close(): void {
    this.#closing = true;
    this.#cancelStep();
    this.#weigher.close();
    for (const stream of [...this.#streams]) stream.dismiss();
  }

  #open({ link, stream, header, variant, route }: { link: Link; stream: BidiStream; header: Header; variant: Variant | undefined; route: string }): void {
    const context = this.#context;
    const entrance = new Entrance({ context, link, header, route });
    if (this.#closing) {
      stream.end();
      return;
    }
    if (this.#streams.size >= streamsMax) {
      stream.on('error', () => {});
      entrance.refuse(stream, new RegistryError('resource_exhausted', `${streamsMax} streams of xDS are open, which is the limit; use another node`));
      return;
    }
    const onEnd = (ended: Open) => {
      this.#streams.delete(ended);
      context.metrics.request(route, 200);
    };
    if (variant === undefined) this.#streams.add(this.#loadStream(link, { stream, entrance, book: this.#book, reportMs: this.#reportMs, clock: context.clock, onEnd }));
    else this.#streams.add(new AdsStream({ context, catalog: this.#catalog, variant, link, stream, entrance, picks: () => this.#loads.get(link)?.picks() ?? [], onEnd }));
  }

  #loadStream(link: Link, parts: LoadStreamParts): LoadStream {
    const stream = new LoadStream({
      ...parts,
      onEnd: (ended) => {
        if (this.#loads.get(link) === ended) this.#loads.delete(link);
        parts.onEnd(ended);
      },
    });
    this.#loads.set(link, stream);
    return stream;
  }

  *#connected(): Generator<ConnectedClient | undefined, void, undefined> {
    for (const stream of this.#streams) if (stream instanceof AdsStream) yield stream.connected;
  }

  #stepLater(): void {
    if (this.#closing) return;
    const timer = this.#context.wheel.schedule(this.#reportMs, () => void this.#weigher.step().then(() => this.#stepLater()));
    this.#cancelStep = () => timer.cancel();
  }

  #leftOut(): number {
    let all = 0;
    for (const { leftOut } of this.#catalog.services) for (const count of leftOut.values()) all += count;
    return all;
  }
}
