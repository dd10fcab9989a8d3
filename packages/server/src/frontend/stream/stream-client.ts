/**
 * A stream's client as lists of clients show it: what its hello said, what it watches now, the instances of its session, and what it has reported
 * about its picks. It sends nothing and keeps nothing else.
 */

import type { ClientInstance, ClientPicks, ClientRelease, ClientWatch, HelloFrame, PickReportFrame } from '@rollcall/protocol';
import type { ConnectedClient } from '../../clients/client.ts';
import { instancesIn } from '../../clients/instances.ts';
import { PickBook } from '../../clients/pick-book.ts';
import type { Context } from '../../net/frontend.ts';
import { tokenOf } from '../../net/principal.ts';
import type { StreamAccess } from './access.ts';
import { namespaceOf } from '../../net/view-items/view-namespace.ts';
import type { Watches } from './watches.ts';

export interface StreamClientOptions {
  readonly context: Pick<Context, 'registry' | 'clock'>;
  readonly hello: HelloFrame;
  readonly address: string | undefined;
  readonly access: StreamAccess;
  readonly watches: Watches;
}

export class StreamClient implements ConnectedClient {
  readonly via = 'stream';
  readonly key = this;
  readonly sinceMs: number;
  readonly #options: StreamClientOptions;
  readonly #picks: PickBook;

  constructor(options: StreamClientOptions) {
    const { clock } = options.context;
    this.#options = options;
    this.#picks = new PickBook(() => clock.monotonic());
    this.sinceMs = clock.now();
  }

  get client(): string {
    return this.#options.hello.client;
  }

  get namespace(): string {
    return namespaceOf(this.#options.hello);
  }

  get version(): string | undefined {
    return this.#options.hello.version;
  }

  get address(): string | undefined {
    return this.#options.address;
  }

  get accessorId(): string | undefined {
    return tokenOf(this.#options.access.caller);
  }

  instances(): Iterable<ClientInstance> {
    const { context, hello: { session } } = this.#options;
    return session === undefined ? [] : instancesIn(context.registry.state, this.namespace, session.id);
  }

  *watches(): Generator<ClientWatch, void, undefined> {
    for (const view of this.#options.watches.views()) yield { kind: view.kind, namespace: namespaceOf(view), name: view.name };
  }

  *releases(): Generator<ClientRelease, void, undefined> {
    for (const { view, entry: { release, rollout, report } } of this.#options.watches.readings()) {
      const said = report?.release === release ? { applied: report.applied, ...(report.error === undefined ? {} : { error: report.error }) } : {};
      yield { namespace: namespaceOf(view), name: view.name, release, ...(rollout === undefined ? {} : { rollout }), ...said };
    }
  }

  picks(): Iterable<ClientPicks> {
    return this.#picks.picks();
  }

  /** A client can only speak of services that it may see. */
  report({ services, intervalMs }: PickReportFrame): void {
    const counts = services.map(({ namespace, service, ...counted }) => ({ namespace: namespaceOf({ namespace }), service, ...counted }));
    this.#picks.hear(counts.filter(({ namespace, service }) => this.#options.access.allows(namespace, 'service', 'read', service)), intervalMs);
  }
}
