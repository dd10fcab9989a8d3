/**
 * Streams of events that tell clients to evaluate again (Server-Sent Events). An EventSource sends no headers, so the URL is the proof: it has a
 * signature over the configuration, the namespace and the time until which it opens. The key of signatures is of this process; after a restart
 * clients get a new URL with their next bulk answer. The events carry no values.
 *
 * Source: OFREP ADR 0008, events `refetchEvaluation`.
 */

import { createHmac, timingSafeEqual } from 'node:crypto';
import { RegistryError } from '@rollcall/protocol';
import type { WheelTimer } from '../../health/wheel.ts';
import { onClientEnd } from '../../net/client-end.ts';
import type { Context, Exchange } from '../../net/frontend.ts';
import type { ConfigReader } from '../../registry/kind/config/given.ts';
import { resolve, viewsOf, type ConfigName } from '../../registry/kind/config/resolve.ts';

/** How long a URL opens a stream: longer than clients that poll need for the next bulk answer. */
const urlMs = 3_600_000;
/** Comments keep proxies from closing a silent stream; clients take the double of it as silence. */
const keepAliveMs = 25_000;
export const inactivityDelaySec = 120;

interface Open {
  readonly exchange: Exchange;
  readonly name: ConfigName;
  readonly reader: ConfigReader;
  hash: string;
  unwatch: (() => void)[];
  timer: WheelTimer | undefined;
  forgetEnd: (() => void) | undefined;
  scheduled: boolean;
}

export class Events {
  readonly #context: Context;
  readonly #key: string;
  readonly #open = new Set<Open>();

  constructor(context: Context) {
    this.#context = context;
    this.#key = context.uuid() + context.uuid();
  }

  /** The query of the URL that opens the stream of a configuration. */
  query(name: ConfigName): string {
    const until = this.#context.clock.now() + urlMs;
    return new URLSearchParams({ namespace: name.namespace, until: String(until), proof: this.#proof(name, until) }).toString();
  }

  /** @throws RegistryError `unauthenticated` for a URL of another process, or one that is too old; `resource_exhausted` */
  open(exchange: Exchange, { app, name }: Pick<ConfigName, 'app' | 'name'>, reader: ConfigReader): void {
    const given = new URLSearchParams(exchange.query);
    const named = { namespace: given.get('namespace') ?? '', app, name };
    const until = Number(given.get('until'));
    if (!equals(given.get('proof') ?? '', this.#proof(named, until)) || !(until >= this.#context.clock.now())) {
      throw new RegistryError('unauthenticated', 'this URL does not open a stream any more; take the one of the next bulk evaluation');
    }
    const { limits: { parkedMax } } = this.#context;
    if (this.#open.size >= parkedMax) throw new RegistryError('resource_exhausted', `${this.#open.size} streams of events are open, which is the limit; poll instead`);
    const { response } = exchange;
    const stream: Open = { exchange, name: named, reader, hash: this.#hash(named, reader), unwatch: [], timer: undefined, forgetEnd: undefined, scheduled: false };
    this.#open.add(stream);
    response.once('close', () => this.#forget(stream));
    // A client that has gone away has closed its direction; nothing else would say so until the next comment.
    stream.forgetEnd = onClientEnd(exchange.request.socket, () => this.#end(stream));
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' });
    response.write(': open\n\n');
    this.#watch(stream);
    this.#keepAlive(stream);
  }

  close(): void {
    for (const stream of [...this.#open]) this.#end(stream);
  }

  #watch(stream: Open): void {
    const { registry } = this.#context;
    for (const end of stream.unwatch) end();
    stream.unwatch = viewsOf(registry.state, stream.name, {}).map((view) => registry.views.watch(view, () => this.#wake(stream)));
  }

  /** Called within the transaction that changed a view: it only notes that. */
  #wake(stream: Open): void {
    if (stream.scheduled) return;
    stream.scheduled = true;
    setImmediate(() => {
      stream.scheduled = false;
      if (!this.#open.has(stream)) return;
      this.#watch(stream);
      const hash = this.#hash(stream.name, stream.reader);
      if (hash === stream.hash) return;
      stream.hash = hash;
      const { response } = stream.exchange;
      // A client that does not read gets the event when it does; more of them would say the same.
      if (!response.writableNeedDrain) response.write(`event: message\ndata: ${JSON.stringify({ type: 'refetchEvaluation', etag: hash, lastModified: this.#context.clock.now() })}\n\n`);
    });
  }

  #hash(name: ConfigName, reader: ConfigReader): string {
    const { layers: [layer] } = resolve(this.#context.registry.state, name, reader);
    return layer === undefined ? '' : releaseTag(layer.release);
  }

  #keepAlive(stream: Open): void {
    stream.timer = this.#context.wheel.schedule(keepAliveMs, () => {
      const { response } = stream.exchange;
      if (response.writableNeedDrain) response.destroy();
      else {
        response.write(':\n\n');
        this.#keepAlive(stream);
      }
    });
  }

  #end(stream: Open): void {
    this.#forget(stream);
    stream.exchange.response.end();
  }

  #forget(stream: Open): void {
    if (!this.#open.delete(stream)) return;
    stream.timer?.cancel();
    stream.forgetEnd?.();
    for (const end of stream.unwatch) end();
  }

  #proof({ namespace, app, name }: ConfigName, until: number): string {
    return createHmac('sha256', this.#key).update(JSON.stringify([namespace, app, name, until])).digest('base64url');
  }
}

/** Names a release in events; the ETag of a bulk answer depends on its context, too. */
export function releaseTag({ number, hash, md5 }: { readonly number: number; readonly hash: string; readonly md5: string }): string {
  return `${number}-${(hash || md5).slice(0, 16)}`;
}

function equals(one: string, other: string): boolean {
  return one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));
}
