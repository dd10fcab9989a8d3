/**
 * The connection to the registry: one link at a time to one of the servers, for as long as the client is open. When a link
 * ends, it connects to the next server. The registrations and the watched views update themselves after each welcome.
 *
 * A token that no server accepts may become valid later, or be replaced: the connection tries it again after a long pause,
 * or soon if a caller waits.
 */

import {
  RegistryError,
  defaultNamespace,
  streamProtocol,
  type HelloFrame,
  type ReplyFrame,
  type SessionKey,
  type WelcomeFrame,
  toRegistryError,
} from '@rollcall/protocol';
import type { Clock, Random } from '../clock.ts';
import { version } from '../version.ts';
import { Attempts } from './attempts.ts';
import type { ConnectionEvent } from './connection-event.ts';
import type { CredentialSource, Credentials } from './credentials.ts';
import type { LinkEnd, OpenLink, RegistryLink } from './registry-link.ts';
import { Requests, helloId, type Ask, type AskOptions } from './requests.ts';
import { Rotation } from './rotation.ts';
import { Seen } from './seen.ts';
import { TokenWait } from './token-wait.ts';
import { noNamespaces } from './view-name.ts';

/** A part of the client that uses the connection. */
export interface ConnectionPart {
  /** A link is open, before its welcome, and the registry cannot have anything of this client yet. */
  opened(): void;
  /** A registry has sent its welcome: everything that it does not know yet can be sent. */
  greeted(welcome: WelcomeFrame): void;
  /** A frame that answers no request. */
  pushed(frame: ReplyFrame): void;
  /** The link has ended. */
  lost(): void;
  /** No server accepts this client: the callers that wait for the first answer get the reason. */
  refused(error: RegistryError): void;
  /** The client is closed; nothing follows. */
  closed(): void;
}

export interface RegistryConnectionOptions {
  /** Base URLs as `serverUrl` returns them. */
  readonly servers: readonly string[];
  readonly credentials: CredentialSource;
  readonly client: string;
  readonly node: string | undefined;
  readonly key: SessionKey;
  readonly graceMs: number;
  /** Namespace of everything that this client registers, of its keys and of its session. */
  readonly namespace: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly onEvent: (event: ConnectionEvent) => void;
  readonly loadLink: () => Promise<OpenLink>;
}

/** For people who look at the clients of a registry. */
const library = `@rollcall/client/${version}`;

/** Longest time for a goodbye; after it the registry detects the end itself. */
const goodbyeMs = 2_000;

export class RegistryConnection {
  readonly #options: RegistryConnectionOptions;
  readonly #requests: Requests;
  readonly #rotation: Rotation;
  readonly #attempts: Attempts;
  readonly #token: TokenWait;
  readonly #seen = new Seen();
  readonly #parts: ConnectionPart[] = [];
  #link: RegistryLink | undefined;
  #welcome: WelcomeFrame | undefined;
  #helloSent = false;
  /** The registry may have a session of this client; its welcome tells whether it still does. */
  #mayResume = false;
  #cancelNext: () => void = () => {};
  #closed = false;
  #connecting = false;
  readonly #warnedOf = new Set<string>();

  constructor(options: RegistryConnectionOptions) {
    this.#options = options;
    this.#requests = new Requests(options.clock);
    this.#rotation = new Rotation(options.servers, options.random);
    const { clock, random, onEvent } = options;
    this.#attempts = new Attempts({ servers: this.#rotation.size, clock, random, onEvent });
    this.#token = new TokenWait(options.clock, options.credentials);
  }

  /** The registry's welcome; undefined while there is no registry. */
  get welcome(): WelcomeFrame | undefined {
    return this.#welcome;
  }

  /** Base URL of the server that sent the welcome. */
  get server(): string | undefined {
    return this.#welcome === undefined ? undefined : this.#link?.server;
  }

  /**
   * True when a request would be sent at once. Also before a welcome that could tell nothing new, so the first
   * registration needs one round trip in all.
   */
  get accepting(): boolean {
    return this.#welcome !== undefined || (this.#link !== undefined && this.#helloSent && this.#mayGoAhead);
  }

  /**
   * Whether registrations may be sent before the welcome. A registry that knows no namespaces would register in `default`; one
   * that is behind what this client has seen takes nothing before it has caught up.
   */
  get #mayGoAhead(): boolean {
    return !this.#mayResume && this.#seen.revision === undefined && this.#options.namespace === defaultNamespace;
  }

  /** Parts are called in the order in which they were added; to be called before `start`. */
  add(part: ConnectionPart): void {
    this.#parts.push(part);
  }

  start(): void {
    void this.#connect();
  }

  /** A caller waits: a client that was refused tries again soon. */
  urge(): void {
    if (!this.#attempts.isRefused || this.#link !== undefined || this.#connecting || this.#closed) return;
    this.#cancelNext();
    this.#cancelNext = this.#options.clock.timer(this.#attempts.urgedDelayMs(), () => void this.#connect());
  }

  /** @throws RegistryError as `Requests.ask`; `failed_precondition` once closed */
  ask(ask: Ask, options: AskOptions): Promise<ReplyFrame> {
    if (this.#closed) return Promise.reject(new RegistryError('failed_precondition', 'the client is closed'));
    // Only repeatable requests are sent before the welcome: the hello may be refused.
    const link = this.#welcome !== undefined || (this.accepting && ask.type === 'register') ? this.#link : undefined;
    this.urge();
    if (ask.type === 'register') this.#mayResume = true;
    return this.#requests.ask(ask, options, link === undefined ? undefined : (frame) => link.send(frame));
  }

  /** @param leave end what is registered now; otherwise the registry waits for the grace */
  async close(leave: boolean): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelNext();
    // Also before the welcome: a registration may have gone ahead of it.
    const link = this.#welcome !== undefined || (this.#helloSent && this.#mayResume) ? this.#link : undefined;
    if (leave && link !== undefined) {
      await this.#requests
        .ask({ type: 'goodbye' }, { repeatable: false, timeoutMs: goodbyeMs }, (frame) => link.send(frame))
        // After any error the stream ends here, and the registry sees that, too.
        .catch(() => {});
    }
    this.#requests.close();
    for (const part of this.#parts) part.closed();
    this.#link?.cut('the client is closed');
  }

  async #connect(): Promise<void> {
    const server = this.#rotation.next();
    this.#attempts.begin();
    this.#connecting = true;
    let credentials: Credentials;
    let openLink: OpenLink;
    try {
      credentials = await this.#token.credentials();
      openLink = await this.#options.loadLink();
    } catch (error) {
      const refusal = toRegistryError(error);
      this.#next(server, { reason: refusal.message, refusal });
      return;
    } finally {
      this.#connecting = false;
    }
    if (this.#closed) return;
    if (credentials.token !== undefined) this.#warnOfPlainText(server);
    const link = openLink({
      server,
      hasSpare: this.#rotation.size > 1,
      credentials,
      clock: this.#options.clock,
      onOpen: () => this.#hello(link),
      onFrame: (frame) => this.#receive(link, frame),
      onStrange: (message, id) => {
        this.#options.onEvent({ kind: 'warning', message: `${server} sent a malformed frame: ${message}` });
        if (id !== undefined) this.#requests.garbled(id, message);
      },
      onEnd: (end) => this.#ended(link, end),
    });
    this.#link = link;
  }

  #warnOfPlainText(server: string): void {
    const { protocol, hostname, host } = new URL(server);
    if (protocol === 'https:' || this.#warnedOf.has(host) || /^(localhost|127\..*|\[::1\])$/.test(hostname)) return;
    this.#warnedOf.add(host);
    this.#options.onEvent({ kind: 'warning', message: `the token goes to ${host} in plain text, and every machine on the path can read it; use https://` });
  }

  #hello(link: RegistryLink): void {
    const { client, node, key, graceMs, namespace } = this.#options;
    const seen = this.#seen.revision;
    const hello: HelloFrame = {
      ...{ type: 'hello', id: helloId, protocol: streamProtocol, client, version: library, session: key, graceMs },
      ...{ ...(node === undefined ? {} : { node }), ...(seen === undefined ? {} : { seen }), ...(namespace === defaultNamespace ? {} : { namespace }) },
    };
    link.send(hello);
    this.#helloSent = true;
    if (this.#mayGoAhead) for (const part of this.#parts) part.opened();
  }

  #receive(link: RegistryLink, frame: ReplyFrame): void {
    this.#seen.read(frame);
    if (frame.type === 'welcome') this.#greeted(link, frame);
    else if (frame.type === 'go-elsewhere') this.#rotation.prefer(frame.servers);
    else if ('id' in frame && frame.id !== undefined) {
      if (frame.id !== helloId) this.#requests.answered(frame.id, frame);
      else if (frame.type === 'error') link.cut(`the registry refused: ${frame.message}`, helloRefusal(link.server, frame));
    } else if (frame.type === 'error') {
      this.#options.onEvent({ kind: 'warning', message: `${link.server} says: ${frame.message}` });
    } else {
      if (frame.type === 'freshness') this.#tellFreshness(link, frame.staleMs);
      for (const part of this.#parts) part.pushed(frame);
    }
  }

  #greeted(link: RegistryLink, welcome: WelcomeFrame): void {
    const { onEvent, namespace } = this.#options;
    if ((welcome.namespace ?? defaultNamespace) !== namespace) {
      const error = noNamespaces(link.server, namespace);
      link.cut(error.message, error);
      return;
    }
    if (this.#rotation.passesOver(welcome.staleMs !== undefined)) {
      link.leave('the server does not follow its store; another one may');
      return;
    }
    this.#welcome = welcome;
    this.#seen.greeted(welcome);
    this.#attempts.succeeded();
    link.pinged(welcome.pingMs);
    onEvent({ kind: 'connected', server: link.server, resumed: welcome.resumed });
    if (welcome.staleMs !== undefined) this.#tellFreshness(link, welcome.staleMs);
    for (const part of this.#parts) part.greeted(welcome);
    this.#requests.flush((frame) => link.send(frame));
  }

  #tellFreshness({ server }: RegistryLink, staleMs: number): void {
    this.#options.onEvent(staleMs === 0 ? { kind: 'current', server } : { kind: 'stale', server, staleMs });
  }

  #ended(link: RegistryLink, end: LinkEnd): void {
    if (this.#link !== link) return;
    const { onEvent } = this.#options;
    const { reason } = end;
    const wasGreeted = this.#welcome !== undefined;
    this.#link = undefined;
    this.#helloSent = false;
    this.#welcome = undefined;
    this.#requests.interrupted(reason);
    if (wasGreeted) {
      for (const part of this.#parts) part.lost();
      this.#attempts.lost();
    }
    if (wasGreeted && !this.#closed) onEvent({ kind: 'disconnected', server: link.server, reason });
    if (end.refusal?.code === 'unauthenticated') void this.#reconsider(link.server, end);
    else this.#next(link.server, end, wasGreeted);
  }

  /** The token may have been replaced between our reading of it and the registry's check. */
  async #reconsider(server: string, end: LinkEnd): Promise<void> {
    this.#connecting = true;
    const replaced = await this.#token.hasAnother();
    this.#connecting = false;
    if (this.#closed) return;
    if (replaced) void this.#connect();
    else this.#next(server, end);
  }

  /** Reports the end of an attempt, and schedules another. */
  #next(server: string, end: LinkEnd, told = false): void {
    if (this.#closed) return;
    const { delayMs, refused } = this.#attempts.failed(server, end, told);
    if (refused !== undefined) {
      this.#requests.refused(refused);
      for (const part of this.#parts) part.refused(refused);
    }
    const connect = () => void this.#connect();
    this.#cancelNext = this.#attempts.isRefused ? this.#token.start(delayMs, connect) : this.#options.clock.timer(delayMs, connect);
  }
}

/** Why a server refuses this client; undefined for an error that may be temporary. */
function helloRefusal(server: string, { code, message }: Extract<ReplyFrame, { type: 'error' }>): RegistryError | undefined {
  if (code !== 'permission_denied' && code !== 'unimplemented') return undefined;
  return new RegistryError(code, `${server} refused: ${message}`);
}
