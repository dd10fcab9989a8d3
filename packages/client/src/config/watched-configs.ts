/**
 * The configurations that this client reads: asked over each new link, with the releases that are known, and told what arrives
 * and what becomes stale. Reports what the program has applied. It keeps no content; each configuration keeps its own.
 */

import { releasesOf, RegistryError, toRegistryError, type ConfigLayer, type FrameView, type ReaderFacts, type ReplyFrame, type SnapshotFrame, type WelcomeFrame } from '@rollcall/protocol';
import type { Clock, Random } from '../clock.ts';
import type { ConnectionPart, RegistryConnection } from '../connection/registry-connection.ts';
import { noNamespaces } from '../connection/view-name.ts';

/** What a configuration does with what arrives for it. */
export interface ConfigReceiver {
  readonly view: FrameView;
  /** What the client says about itself now. */
  facts(): ReaderFacts;
  /** The newest content that it has; undefined for none. */
  readonly known: { readonly registry: string; readonly revision: number; readonly layers: readonly ConfigLayer[] } | undefined;
  /** @param isCurrent whether the server follows its store, so that this is the newest content */
  received(frame: SnapshotFrame, registry: string, isCurrent: boolean): void;
  /** The registry has confirmed that what is known is current. */
  confirmed(): void;
  /** What is known may be old. @param since when it was last known to be current, on the monotonic clock */
  stale(since: number): void;
  /** The registry does not serve it, at least for now. */
  failed(error: RegistryError): void;
}

export interface ConfigReport {
  readonly release: number;
  readonly applied: boolean;
  readonly error?: string;
}

export interface WatchedConfigsOptions {
  readonly connection: Pick<RegistryConnection, 'welcome' | 'server' | 'ask' | 'urge'>;
  readonly clock: Clock;
  readonly random: Random;
}

/** Pause before a refused configuration is asked for again, in milliseconds: the token may have got the right meanwhile. */
const deniedMs = 10_000;

/** Clients that apply the same release report it spread over this time, in milliseconds. Errors are reported at once. */
const reportSpreadMs = 2_000;

interface Watched {
  readonly receiver: ConfigReceiver;
  /** What the client said about itself when it asked last, as JSON. */
  said: string;
  report: ConfigReport | undefined;
  cancelReport: (() => void) | undefined;
}

export class WatchedConfigs implements ConnectionPart {
  readonly #options: WatchedConfigsOptions;
  readonly #watched = new Map<string, Watched>();
  /** Ids of instances, by service. */
  readonly #registered = new Map<string, string>();
  #closed = false;
  /** The connected server does not follow its store. */
  #behind = false;

  constructor(options: WatchedConfigsOptions) {
    this.#options = options;
  }

  /** @returns ends it */
  add(receiver: ConfigReceiver): () => void {
    const key = keyOf(receiver.view);
    const watched: Watched = { receiver, said: '', report: undefined, cancelReport: undefined };
    this.#watched.set(key, watched);
    if (this.#closed) receiver.failed(closedError());
    else this.#ask(watched);
    return () => {
      if (this.#watched.get(key) !== watched) return;
      this.#watched.delete(key);
      watched.cancelReport?.();
      if (this.#options.connection.welcome !== undefined) this.#forget({ type: 'unwatch', views: [receiver.view] });
    };
  }

  has(view: FrameView): boolean {
    return this.#watched.has(keyOf(view));
  }

  /** A caller waits: a client that was refused tries again soon. */
  urge(): void {
    this.#options.connection.urge();
  }

  /** An instance of this client is registered: a rollout may give it another release. */
  registered({ id, service }: { readonly id: string; readonly service: string }): void {
    this.#registered.set(service, id);
    for (const watched of this.#watched.values()) if (JSON.stringify(watched.receiver.facts()) !== watched.said) this.#ask(watched);
  }

  /** Id of the instance that was registered last in a service. */
  registeredIn(service: string): string | undefined {
    return this.#registered.get(service);
  }

  report(view: FrameView, report: ConfigReport): void {
    const watched = this.#watched.get(keyOf(view));
    if (watched === undefined) return;
    watched.report = report;
    watched.cancelReport?.();
    const delayMs = report.applied ? this.#options.random() * reportSpreadMs : 0;
    watched.cancelReport = this.#options.clock.timer(delayMs, () => this.#sendReport(watched));
  }

  opened(): void {}

  greeted({ staleMs = 0 }: WelcomeFrame): void {
    this.#behind = staleMs > 0;
    for (const watched of this.#watched.values()) this.#ask(watched);
  }

  pushed(frame: ReplyFrame): void {
    if (frame.type === 'freshness') return this.#freshness(frame.staleMs);
    if ((frame.type !== 'snapshot' && frame.type !== 'watch-ended') || frame.view.kind !== 'config') return;
    const watched = this.#watched.get(keyOf(frame.view));
    const { welcome } = this.#options.connection;
    if (watched === undefined || welcome === undefined) return;
    if (frame.type === 'watch-ended') this.#failed(watched, new RegistryError(frame.code, frame.message));
    else watched.receiver.received(frame, welcome.registry, !this.#behind);
  }

  lost(): void {
    this.#stale(this.#options.clock.monotonic());
  }

  refused(error: RegistryError): void {
    for (const { receiver } of this.#watched.values()) if (receiver.known === undefined) receiver.failed(error);
  }

  closed(): void {
    this.#closed = true;
    for (const watched of this.#watched.values()) {
      watched.cancelReport?.();
      watched.receiver.failed(closedError());
    }
  }

  #freshness(staleMs: number): void {
    this.#behind = staleMs > 0;
    if (this.#behind) this.#stale(this.#options.clock.monotonic() - staleMs);
    else for (const watched of this.#watched.values()) this.#ask(watched);
  }

  #stale(since: number): void {
    for (const { receiver } of this.#watched.values()) receiver.stale(since);
  }

  #ask(watched: Watched): void {
    const { connection } = this.#options;
    const { welcome } = connection;
    if (welcome === undefined) return;
    const { receiver } = watched;
    const { view, known } = receiver;
    if (welcome.namespace === undefined && view.namespace !== undefined) return receiver.failed(noNamespaces(connection.server, view.namespace));
    const reader = receiver.facts();
    watched.said = JSON.stringify(reader);
    const same = known?.registry === welcome.registry;
    const asked = { ...view, reader, ...(same ? { revision: known.revision, releases: releasesOf(known.layers) } : {}) };
    // Not repeatable: the next link asks again.
    connection.ask({ type: 'watch', views: [asked] }, { repeatable: false, timeoutMs: Infinity }).then(
      (reply) => {
        if (connection.welcome !== welcome || this.#watched.get(keyOf(view)) !== watched || reply.type !== 'watching') return;
        const current = same && reply.revisions[0] === known.revision && receiver.known === known;
        if (current && !this.#behind) receiver.confirmed();
        if (watched.report !== undefined) this.#sendReport(watched);
      },
      (error: unknown) => {
        if (connection.welcome === welcome && this.#watched.get(keyOf(view)) === watched) this.#failed(watched, toRegistryError(error));
      },
    );
  }

  #failed(watched: Watched, error: RegistryError): void {
    watched.receiver.failed(error);
    const { clock, random } = this.#options;
    clock.timer(deniedMs + random() * deniedMs, () => {
      if (this.#watched.get(keyOf(watched.receiver.view)) === watched && !this.#closed) this.#ask(watched);
    });
  }

  #sendReport(watched: Watched): void {
    watched.cancelReport?.();
    watched.cancelReport = undefined;
    const { report, receiver } = watched;
    if (report === undefined || this.#options.connection.welcome === undefined) return;
    const { namespace, name, cluster } = receiver.view;
    this.#forget({ type: 'config-report', name, ...(namespace === undefined ? {} : { namespace }), ...(cluster === undefined ? {} : { cluster }), ...report });
  }

  /** Sends a request whose answer changes nothing here. */
  #forget(ask: Parameters<RegistryConnection['ask']>[0]): void {
    this.#options.connection.ask(ask, { repeatable: false, timeoutMs: Infinity }).catch(() => {});
  }
}

function keyOf({ namespace = '', name, cluster = '' }: FrameView): string {
  return `${namespace}\0${name}\0${cluster}`;
}

function closedError(): RegistryError {
  return new RegistryError('cancelled', 'the client is closed');
}
