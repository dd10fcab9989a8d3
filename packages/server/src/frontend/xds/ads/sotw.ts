/**
 * The subscription of one stream to one type of resources, in the variant "state of the world". Pure: requests go in, responses come out.
 *
 *   request ─► names, wildcard, due ─┐
 *   dirty  ─► names to look at ──────┴─► next() ─► response, of which one at a time is on its way
 *
 * Listeners and clusters: a response has all of them, and one that is missing is deleted by the client. Endpoints and routes: a response has
 * what is new to the client, and nothing is ever deleted. Source: https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol.
 */

import type { Resource } from '../resources/resource.ts';
import type { ResourceType } from '../wire/any.ts';
import { hasWildcard, type News, type Shelf, type Verdict } from './shelf.ts';
import { Subscription, type Answer } from './subscription.ts';

export interface SotwRequest extends Answer {
  readonly versionInfo: string;
  readonly names: readonly string[];
}

/** For complete types, any name to look at means all. */
export class SotwSubscription extends Subscription {
  /** Whether a response names all resources that exist. */
  readonly #isComplete: boolean;
  #names = new Set<string>();
  /** Once a client has named a resource, an empty list means none and no longer all. */
  #hasNamed = false;
  /** What the client has, by name. */
  #sent: ReadonlyMap<string, Resource> = new Map();

  constructor(type: ResourceType) {
    super();
    this.#isComplete = hasWildcard(type);
  }

  get names(): ReadonlySet<string> {
    return this.#names;
  }

  /**
   * A request supersedes those before. The names of one with a stale nonce count as well: they are newer than all that is known. Otherwise a
   * client that gives a resource up and asks for it again while a response is on its way would never get it.
   */
  request({ names, ...answer }: SotwRequest): Verdict {
    this.#subscribe(names);
    return this.hear(answer);
  }

  protected news(shelf: Shelf, removals: boolean): News | undefined {
    return this.#isComplete ? this.#nextComplete(shelf, removals) : this.#nextPartial(shelf);
  }

  #subscribe(asked: readonly string[]): void {
    const named = asked.filter((name) => name !== '*');
    const hadWildcard = this.isWildcard;
    if (asked.length > 0) this.#hasNamed = true;
    this.isWildcard = this.#isComplete && (this.#hasNamed ? named.length < asked.length : true);
    if (this.isWildcard && !hadWildcard) this.owesAll = true;
    if (hadWildcard !== this.isWildcard) this.dirty.add('*');
    const before = this.#names;
    this.#names = new Set(named);
    for (const name of this.#names) if (!before.has(name)) this.owe(name);
    for (const name of before) if (!this.#names.has(name)) this.#drop(name);
  }

  /** The client forgets it, so it must get it again when it asks again. */
  #drop(name: string): void {
    this.waive(name);
    if (this.isWildcard || !this.#sent.has(name)) return;
    const sent = new Map(this.#sent);
    sent.delete(name);
    this.#sent = sent;
  }

  #nextComplete(shelf: Shelf, removals: boolean): News | undefined {
    const exists = this.#existing(shelf);
    if (exists === undefined) return undefined;
    const kept = removals ? exists : this.#withRemoved(exists);
    const changed: string[] = [];
    for (const [name, resource] of kept) if (this.#sent.get(name)?.version !== resource.version) changed.push(name);
    const isNews = this.owesAll || changed.length > 0 || this.#lacks(kept) || [...this.due].some((name) => kept.has(name));
    // Removals that wait are looked at again.
    if (kept === exists) this.dirty.clear();
    if (!isNews) return undefined;
    for (const name of this.due) if (kept.has(name)) this.due.delete(name);
    this.owesAll = false;
    this.#sent = kept;
    return this.response({ resources: kept.values(), removed: [], changed });
  }

  /** Undefined while one of them is not known. */
  #existing(shelf: Shelf): ReadonlyMap<string, Resource> | undefined {
    const all = this.isWildcard ? shelf.all() : new Map<string, Resource>();
    if (all === undefined || this.#names.size === 0) return all;
    const existing = new Map(all);
    for (const name of this.#names) {
      const found = shelf.get(name);
      if (found === undefined) return undefined;
      if (found !== null) existing.set(name, found);
    }
    return existing;
  }

  /** With those that the client has, subscribes to, and that are gone. */
  #withRemoved(exists: ReadonlyMap<string, Resource>): ReadonlyMap<string, Resource> {
    let together: Map<string, Resource> | undefined;
    for (const [name, resource] of this.#sent) {
      if (exists.has(name) || !(this.isWildcard || this.#names.has(name))) continue;
      together ??= new Map(exists);
      together.set(name, resource);
    }
    return together ?? exists;
  }

  /** Whether the client has a resource, and subscribes to it, that is not among these. */
  #lacks(kept: ReadonlyMap<string, Resource>): boolean {
    if (kept.size >= this.#sent.size && kept === this.#sent) return false;
    for (const name of this.#sent.keys()) if (!kept.has(name) && (this.isWildcard || this.#names.has(name))) return true;
    return false;
  }

  #nextPartial(shelf: Shelf): News | undefined {
    // Only this class has it: complete types alone share it with others.
    const sent = this.#sent as Map<string, Resource>;
    const news: Resource[] = [];
    const changed: string[] = [];
    for (const name of this.dirty) {
      const found = shelf.get(name);
      if (found === undefined) continue;
      this.dirty.delete(name);
      if (found === null) continue;
      const isOther = sent.get(name)?.version !== found.version;
      if (!isOther && !this.due.has(name)) continue;
      if (isOther) changed.push(name);
      this.due.delete(name);
      sent.set(name, found);
      news.push(found);
    }
    return news.length === 0 ? undefined : this.response({ resources: news, removed: [], changed });
  }
}
