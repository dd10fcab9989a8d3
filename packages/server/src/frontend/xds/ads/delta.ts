/**
 * The subscription of one stream to one type of resources, in the incremental variant. Pure, as `sotw.ts`: a response has what is new to the
 * client, and names what is gone.
 *
 * A client that connects again says which versions it has, so that it gets only what has changed meanwhile.
 */

import type { Resource } from '../resources/resource.ts';
import type { ResourceType } from '../wire/any.ts';
import { hasWildcard, type News, type Shelf, type Verdict } from './shelf.ts';
import { Subscription, type Answer } from './subscription.ts';

export interface DeltaRequest extends Answer {
  readonly subscribe: readonly string[];
  readonly unsubscribe: readonly string[];
  /** Versions that the client has from an earlier stream, by name; read in the first request only. */
  readonly initialVersions: ReadonlyMap<string, string>;
}

export class DeltaSubscription extends Subscription {
  readonly #hasWildcard: boolean;
  readonly #names = new Set<string>();
  /** Versions that the client has, by name. */
  readonly #known = new Map<string, string>();
  /** What the wildcard was compared with last. */
  #all: ReadonlyMap<string, Resource> | undefined;

  constructor(type: ResourceType) {
    super();
    this.#hasWildcard = hasWildcard(type);
  }

  get names(): ReadonlySet<string> {
    return this.#names;
  }

  request({ subscribe, unsubscribe, initialVersions, ...answer }: DeltaRequest): Verdict {
    const isFirst = this.isNew;
    if (isFirst) {
      for (const [name, version] of initialVersions) this.#known.set(name, version);
      // For historical reasons, a first request without names is one for all.
      if (subscribe.length === 0) this.#subscribeAll();
    }
    for (const name of subscribe) this.#subscribe(name, isFirst);
    for (const name of unsubscribe) this.#unsubscribe(name);
    return this.hear(answer);
  }

  protected news(shelf: Shelf, removals: boolean): News | undefined {
    const resources: Resource[] = [];
    const removed: string[] = [];
    const changed: string[] = [];
    const look = (name: string, found: Resource | null) => {
      const isDue = this.due.has(name);
      if (found === null) {
        if (!this.#known.has(name) ? !isDue : !removals) return this.#known.has(name);
        this.due.delete(name);
        this.#known.delete(name);
        removed.push(name);
        return false;
      }
      const isOther = this.#known.get(name) !== found.version;
      if (!isOther && !isDue) return false;
      if (isOther) changed.push(name);
      this.due.delete(name);
      this.#known.set(name, found.version);
      resources.push(found);
      return false;
    };
    const all = this.isWildcard ? shelf.all() : undefined;
    this.#lookAtNames(shelf, all, look);
    const isAnswered = all !== undefined && this.#lookAtAll(all, look);
    if (isAnswered) this.owesAll = false;
    const isNews = resources.length > 0 || removed.length > 0 || isAnswered;
    return isNews ? this.response({ resources, removed, changed }) : undefined;
  }

  #subscribe(name: string, isFirst: boolean): void {
    if (name === '*') {
      this.#subscribeAll();
      return;
    }
    this.#names.add(name);
    this.dirty.add(name);
    // A client that subscribes again has forgotten it, but one that connects again has what it says.
    if (isFirst && this.#known.has(name)) return;
    this.due.add(name);
  }

  #subscribeAll(): void {
    if (!this.#hasWildcard || this.isWildcard) return;
    this.isWildcard = true;
    this.owesAll = true;
    this.#all = undefined;
    this.dirty.add('*');
  }

  #unsubscribe(name: string): void {
    if (name === '*') {
      this.isWildcard = false;
      for (const known of [...this.#known.keys()]) if (!this.#names.has(known)) this.#known.delete(known);
      return;
    }
    if (!this.#names.delete(name)) return;
    if (this.isWildcard) {
      // The client cannot know whether the wildcard has it: it is told.
      this.owe(name);
      return;
    }
    this.waive(name);
    this.#known.delete(name);
  }

  /** @param look returns whether the name must be looked at again */
  #lookAtNames(shelf: Shelf, all: ReadonlyMap<string, Resource> | undefined, look: (name: string, found: Resource | null) => boolean): void {
    for (const name of this.dirty) {
      if (name === '*') continue;
      const found = this.#names.has(name) ? shelf.get(name) : all === undefined ? undefined : (all.get(name) ?? null);
      if (found === undefined) continue;
      if (!look(name, found)) this.dirty.delete(name);
    }
  }

  /** @returns whether the wildcard has its first answer by this */
  #lookAtAll(all: ReadonlyMap<string, Resource>, look: (name: string, found: Resource | null) => boolean): boolean {
    if (!this.dirty.has('*')) return this.owesAll;
    let waits = false;
    if (all !== this.#all) {
      for (const [name, resource] of all) if (!this.#names.has(name)) look(name, resource);
    }
    for (const name of [...this.#known.keys()]) if (!this.#names.has(name) && !all.has(name)) waits = look(name, null) || waits;
    this.#all = all;
    if (!waits) this.dirty.delete('*');
    return this.owesAll;
  }
}
