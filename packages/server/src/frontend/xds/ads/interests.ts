/**
 * The names that one stream asks for, and the feeds of their services. A request may have thousands of new names; `join` joins their feeds, a
 * limited number in each turn. It does not know what the client has of them.
 */

import type { Catalog } from '../catalog/catalog.ts';
import type { Feed, Member } from '../catalog/feed.ts';
import type { ServiceFeed } from '../catalog/service-feed.ts';
import { readName, type Target } from '../resources/names.ts';
import type { ResourceType } from '../wire/any.ts';

/** A name, and where its resource comes from. */
export interface Interest {
  readonly target: Target;
  readonly feed: ServiceFeed;
  /** Types that ask for the name. */
  readonly types: Set<ResourceType>;
}

export class Interests {
  readonly #catalog: Catalog;
  readonly #member: Member;
  readonly #joined = new Map<string, Interest>();
  /** Names whose feeds are not joined yet, with the types that ask for them. */
  readonly #unjoined = new Map<string, Set<ResourceType>>();
  readonly #namesOf = new Map<Feed, Set<string>>();

  /** @param member is told when a feed changes */
  constructor(catalog: Catalog, member: Member) {
    this.#catalog = catalog;
    this.#member = member;
  }

  /** Undefined for a name that the stream does not ask for, or whose feed is not joined yet. */
  get(name: string): Interest | undefined {
    return this.#joined.get(name);
  }

  get names(): Iterable<string> {
    return this.#joined.keys();
  }

  get targets(): Iterable<Target> {
    return Array.from(this.#joined.values(), ({ target }) => target);
  }

  /** The names whose resources come from this feed. */
  namesOf(feed: Feed): Iterable<string> {
    return this.#namesOf.get(feed) ?? [];
  }

  /** Takes note of all names of one type, and leaves the feeds of names that no type asks for any more. */
  follow(type: ResourceType, names: ReadonlySet<string>): void {
    for (const name of names) {
      const types = this.#joined.get(name)?.types ?? this.#unjoined.get(name);
      if (types === undefined) this.#unjoined.set(name, new Set([type]));
      else types.add(type);
    }
    const isGivenUp = (name: string, types: Set<ResourceType>) => !names.has(name) && types.delete(type) && types.size === 0;
    for (const [name, types] of this.#unjoined) if (isGivenUp(name, types)) this.#unjoined.delete(name);
    for (const [name, { types, feed }] of this.#joined) if (isGivenUp(name, types)) this.#leave(name, feed);
  }

  /**
   * Joins feeds that are not joined yet.
   *
   * @param home the namespace of names without one
   * @param max how many at most
   * @returns whether all are joined now
   */
  join(home: string, max: number): boolean {
    let left = max;
    for (const [name, types] of this.#unjoined) {
      if (left-- === 0) return false;
      this.#unjoined.delete(name);
      const target = readName(name, home);
      const feed = this.#catalog.service(target.namespace, target.service, this.#member);
      this.#joined.set(name, { target, feed, types });
      const names = this.#namesOf.get(feed);
      if (names === undefined) this.#namesOf.set(feed, new Set([name]));
      else names.add(name);
    }
    return true;
  }

  leaveAll(): void {
    for (const feed of this.#namesOf.keys()) feed.leave(this.#member);
    this.#unjoined.clear();
  }

  #leave(name: string, feed: ServiceFeed): void {
    this.#joined.delete(name);
    const names = this.#namesOf.get(feed);
    names?.delete(name);
    if (names !== undefined && names.size > 0) return;
    this.#namesOf.delete(feed);
    feed.leave(this.#member);
  }
}
