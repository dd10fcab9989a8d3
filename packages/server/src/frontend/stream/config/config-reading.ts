/**
 * One configuration that one stream watches: its place in the feed, what its rights allow, and its entry among the readers that
 * `who` lists, with what the client reports.
 */

import type { ConfigReportFrame, FrameView, ReaderFacts } from '@rollcall/protocol';
import type { ReaderEntry, ReaderReport, Readers } from '../../../configurations/readers.ts';
import type { ConfigName } from '../../../registry/kind/config/resolve.ts';
import type { ConfigRef } from '../../../registry/kind/config/rows.ts';
import type { StreamAccess } from '../access.ts';
import type { Subscriber, Subscription } from '../view-feed.ts';
import type { ConfigMember } from './config-feed.ts';
import type { ConfigFeeds } from './config-feeds.ts';
import { configNameOf } from './config-name.ts';

/** What is known of a stream's client besides its rights. */
export interface StreamClient {
  /** Name of the client, for people. */
  readonly name: string;
  readonly address: string | undefined;
}

export interface Failure {
  readonly release: number;
  /** Written `NODE/ID`. */
  readonly instance: string;
  /** Empty: it uses the release. */
  readonly error: string;
}

export interface ConfigReadingOptions {
  readonly feeds: ConfigFeeds;
  readonly readers: Readers;
  readonly subscriber: Subscriber;
  readonly access: StreamAccess;
  readonly client: () => StreamClient;
  readonly facts: ReaderFacts;
  /** The releases that the client has; undefined for none. */
  readonly has: string | undefined;
  /** Wall clock, in milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** Called when an instance cannot use a release that a rollout has given it, and with an empty error when it can again. */
  readonly onFailure: (of: ConfigRef, failure: Failure) => void;
}

export class ConfigReading implements Subscription {
  /** Of the content that the client has, or is being sent. */
  readonly revision: number;
  /** Whether the client got content, or will get it when it has read. */
  readonly isNews: boolean;
  readonly #member: ConfigMember;
  readonly #options: ConfigReadingOptions & { readonly view: FrameView };
  readonly #leave: () => void;
  #report: ReaderReport | undefined;
  /** The release that the registry knows this client cannot use; 0: none. */
  #failed = 0;

  constructor(view: FrameView, options: ConfigReadingOptions) {
    const { feeds, readers, subscriber, access, facts, has } = options;
    const client = options.client();
    this.#options = { ...options, view };
    const rights = {
      mayRead: (name: ConfigName) => access.allows(name.namespace, 'config', 'read', `${name.app}/${name.name}`),
      mayReveal: (name: ConfigName) => access.allows(name.namespace, 'config-reveal', 'write', `${name.app}/${name.name}`),
    };
    const { member, revision } = feeds.add(view, { subscriber, access: rights, facts, address: client.address, has });
    this.#member = member;
    this.revision = revision;
    this.isNews = member.isWaiting || member.has !== has;
    this.#leave = readers.add(configNameOf(view), () => this.entry);
  }

  /** As it is now. */
  get entry(): ReaderEntry {
    const { view, client: clientOf, facts: { instance, labels } } = this.#options;
    const client = clientOf();
    const { release, rollout } = this.#member.given;
    return {
      ...{ client: client.name, via: 'stream', release },
      ...(client.address === undefined ? {} : { address: client.address }),
      ...(instance === undefined ? {} : { instance }),
      ...(labels === undefined ? {} : { labels }),
      ...(view.cluster === undefined ? {} : { cluster: view.cluster }),
      ...(rollout === undefined ? {} : { rollout }),
      ...(this.#report === undefined ? {} : { report: this.#report }),
    };
  }

  catchUp(): void {
    this.#member.catchUp();
  }

  cancel(): void {
    this.#leave();
    this.#member.cancel();
  }

  report({ release, applied, error }: Pick<ConfigReportFrame, 'release' | 'applied' | 'error'>): void {
    this.#report = { release, applied, atMs: this.#options.now(), ...(error === undefined ? {} : { error }) };
    const { given } = this.#member;
    const { instance } = this.#options.facts;
    // Of a release for all clients nothing is stored: nothing depends on it, and all clients would write at once.
    if (instance === undefined || given.of === undefined || given.rollout === undefined || given.release !== release) return;
    if (applied && this.#failed !== release) return;
    this.#failed = applied ? 0 : release;
    this.#options.onFailure(given.of, { release, instance, error: applied ? '' : (error ?? 'it gives no reason') });
  }
}
