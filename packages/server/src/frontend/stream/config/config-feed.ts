/**
 * One watched configuration and all clients that ask it by the same name, cluster and datacentre. Which release a client gets
 * depends on what it says about itself, and on its rights; clients that get the same releases get the same bytes.
 *
 *   views.watch ─► dirty ─► pass over the members ─► choose for each ─► the same releases as before: nothing is sent
 *                                                                  └─► others: a snapshot, encoded once for these releases
 *
 * The rows are looked up once for each change. While none of them has a rollout, also the choice is made once for all members.
 * A snapshot has the content with its releases, so that no client hears of a release and then reads another content. Rights are
 * asked at every event. It does not decide which release a client gets: the registry's `choose` does.
 */

import { releasesOf, type ConfigLayer, type FrameView, type ReaderFacts, type SnapshotFrame } from '@rollcall/protocol';
import type { Configurations } from '../../../configurations/configurations.ts';
import { pushCost, type FanOut, type Pass } from '../../../net/fan-out.ts';
import type { ConfigReader } from '../../../registry/kind/config/given.ts';
import type { Candidates, ConfigName, Layer } from '../../../registry/kind/config/resolve.ts';
import type { ConfigRef } from '../../../registry/kind/config/rows.ts';
import type { Registry } from '../../../registry/registry.ts';
import type { Subscriber, Subscription } from '../view-feed.ts';
import { frameText, messageBytes, type Message } from '../wire.ts';

/** What the rights of a client allow now. */
export interface ConfigAccess {
  mayRead(name: ConfigName): boolean;
  /** Whether it gets secrets in clear. */
  mayReveal(name: ConfigName): boolean;
}

export interface ConfigMemberOptions {
  readonly subscriber: Subscriber;
  readonly access: ConfigAccess;
  readonly facts: ReaderFacts;
  readonly address: string | undefined;
  /** The releases that the client has, as `releasesOf` names them; undefined for none. */
  readonly has: string | undefined;
}

export interface ConfigFeedOptions {
  readonly registry: Pick<Registry, 'state' | 'views'>;
  readonly configurations: Configurations;
  readonly fanOut: FanOut;
  readonly name: ConfigName;
  readonly datacentre: string;
  readonly onIdle: () => void;
}

/** Releases for different clients that are known until the next change. */
const variantsMax = 64;

/** What a client was given last of the app's own configuration. */
export interface Given {
  /** 0: none. */
  readonly release: number;
  /** The rollout that gives it. */
  readonly rollout: string | undefined;
  readonly of: ConfigRef | undefined;
}

/** What some of the clients get: layers, with the rights that count for them. */
interface Variant {
  readonly heads: readonly (Omit<ConfigLayer, 'content'> & { readonly of: Layer })[];
  /** As `releasesOf` names them. */
  readonly releases: string;
  /** Layers are left out that these clients may not read. */
  readonly partial: boolean;
  message: Message | undefined;
}

/** What clients get before their rights are asked. */
interface Choice {
  readonly layers: readonly Layer[];
  /** Its releases as text. */
  readonly key: string;
}

export class ConfigMember implements Subscription {
  readonly subscriber: Subscriber;
  readonly access: ConfigAccess;
  readonly reader: ConfigReader;
  /** The releases that the client has; undefined before the first content. */
  has: string | undefined;
  /** Content waits until the client has read. */
  isWaiting = false;
  /** What it was given last: the own layer's release and rollout. */
  given: Given = { release: 0, rollout: undefined, of: undefined };
  /** Position among the members; -1 once cancelled. */
  index = -1;
  readonly #feed: ConfigFeed;

  constructor(feed: ConfigFeed, { subscriber, access, has }: ConfigMemberOptions, reader: ConfigReader) {
    this.#feed = feed;
    this.subscriber = subscriber;
    this.access = access;
    this.reader = reader;
    this.has = has;
  }

  catchUp(): void {
    if (this.index >= 0) this.#feed.serve(this);
  }

  cancel(): void {
    if (this.index >= 0) this.#feed.remove(this);
  }
}

export class ConfigFeed implements Pass {
  readonly view: FrameView;
  readonly #options: ConfigFeedOptions;
  readonly #members: ConfigMember[] = [];
  /** Views that the content depends on, and the ends of their watches. */
  #watched = new Map<string, () => void>();
  /** The newest revision of those views; it never goes back, also when they are others than before. */
  #revision = 0;
  readonly #variants = new Map<string, Variant>();
  /** Of the present state; undefined until the next look. */
  #candidates: Candidates | undefined;
  /** Of all members, while no rollout tells them apart. */
  #choice: Choice | undefined;
  #dirty = true;
  /** The pass serves members from here down to 0. Going down, it misses no member when one leaves. */
  #cursor = -1;

  constructor(view: FrameView, options: ConfigFeedOptions) {
    this.view = view;
    this.#options = options;
  }

  get revision(): number {
    return this.#revision;
  }

  /** Subscribes, and sends the content now unless the client has it. */
  add(options: ConfigMemberOptions): ConfigMember {
    const { app } = this.#options.name;
    const { facts, address } = options;
    const member = new ConfigMember(this, options, {
      app,
      datacentre: this.#options.datacentre,
      ...facts,
      ...(this.view.cluster === undefined ? {} : { cluster: this.view.cluster }),
      ...(address === undefined ? {} : { address }),
    });
    member.index = this.#members.length;
    this.#members.push(member);
    // The registry may have changed in this turn: this one starts from the newest content, and the pass serves the others.
    this.#refresh();
    this.serve(member);
    return member;
  }

  advance(budget: number): number {
    this.#refresh();
    let left = budget;
    while (this.#cursor >= 0 && left > 0) {
      const member = this.#members[this.#cursor--];
      if (member === undefined) continue;
      left -= this.serve(member);
    }
    // Later readers encode it again: kept messages would hold the content of every configuration twice.
    if (this.#cursor < 0) this.#variants.clear();
    return Math.max(left, 0);
  }

  /** @returns what it takes of the budget of a turn */
  serve(member: ConfigMember): number {
    const { subscriber } = member;
    member.isWaiting = subscriber.congested;
    if (member.isWaiting) {
      subscriber.defer(member);
      return 1;
    }
    const variant = this.#variantFor(member);
    const [own] = variant.heads;
    member.given = { release: own?.release ?? 0, rollout: own?.rollout, of: own?.of.row };
    if (variant.releases === member.has) return 1;
    member.has = variant.releases;
    const message = (variant.message ??= this.#encode(variant));
    subscriber.push(message);
    return pushCost(messageBytes(message));
  }

  remove(member: ConfigMember): void {
    const last = this.#members.pop();
    if (last !== undefined && last !== member) {
      this.#members[member.index] = last;
      last.index = member.index;
    }
    member.index = -1;
    if (this.#members.length > 0) return;
    for (const stop of this.#watched.values()) stop();
    this.#options.fanOut.cancel(this);
    this.#options.onIdle();
  }

  /** Follows the views that the content depends on now: a configuration may have got other parents. */
  #refresh(): void {
    if (!this.#dirty) return;
    this.#dirty = false;
    this.#cursor = this.#members.length - 1;
    const { registry, configurations, name, datacentre } = this.#options;
    const { cluster } = this.view;
    const names = configurations.viewsOf(name, { datacentre, ...(cluster === undefined ? {} : { cluster }) });
    const before = this.#watched;
    this.#watched = new Map(names.map((each) => [each, before.get(each) ?? registry.views.watch(each, () => this.#changed())]));
    for (const [each, stop] of before) if (!this.#watched.has(each)) stop();
    const revision = Math.max(this.#revision, ...names.map((each) => registry.views.revision(each)));
    if (revision !== this.#revision) this.#variants.clear();
    this.#revision = revision;
  }

  #changed(): void {
    this.#dirty = true;
    this.#candidates = undefined;
    this.#choice = undefined;
    this.#options.fanOut.schedule(this);
  }

  #variantFor({ reader, access }: ConfigMember): Variant {
    const { layers, key: releases } = this.#choice ?? this.#chooseFor(reader);
    let key = releases;
    for (const { row } of layers) key += !access.mayRead(row) ? 'none\0' : access.mayReveal(row) ? 'reveal\0' : 'read\0';
    const known = this.#variants.get(key);
    if (known !== undefined) return known;
    const readable = layers.filter(({ row }) => access.mayRead(row));
    const heads = readable.map((layer) => ({ ...this.#headOf(layer, access), of: layer }));
    const variant = { heads, releases: releasesOf(heads), partial: readable.length < layers.length, message: undefined };
    if (this.#variants.size >= variantsMax) this.#variants.clear();
    this.#variants.set(key, variant);
    return variant;
  }

  #chooseFor(reader: ConfigReader): Choice {
    const { configurations, name } = this.#options;
    // The place of a reader is that of the feed.
    const candidates = (this.#candidates ??= configurations.candidatesFor(name, reader));
    const { layers } = configurations.choose(candidates, reader);
    const key = layers.map(({ row, release, rollout }) => `${row.app}\0${row.name}\0${row.cluster}\0${release.number}\0${rollout?.name ?? ''}\0`).join('');
    const choice = { layers, key };
    if (candidates.isForAll) this.#choice = choice;
    return choice;
  }

  #headOf({ row, release, rollout }: Layer, access: ConfigAccess): Omit<ConfigLayer, 'content'> {
    const { app, name, cluster } = row;
    const masked = !access.mayReveal(row) && this.#options.configurations.contents.hasSecrets(release.content);
    return {
      ...{ app, name, cluster, release: release.number, hash: release.hash },
      ...(release.format === undefined ? {} : { format: release.format }),
      ...(rollout === undefined ? {} : { rollout: rollout.name }),
      ...(masked ? { masked } : {}),
    };
  }

  #encode({ heads, partial }: Variant): Message {
    const { contents } = this.#options.configurations;
    const items = heads.map(({ of, ...head }): ConfigLayer => ({ ...head, content: contents.shown(of.row, of.release.content, head.masked !== true) }));
    const frame: SnapshotFrame = { type: 'snapshot', view: this.view, revision: this.#revision, ...(partial ? { partial } : {}), items };
    return frameText(JSON.stringify(frame));
  }
}
