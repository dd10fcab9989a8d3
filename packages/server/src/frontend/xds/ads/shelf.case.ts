/** Resources of a test by name and version, and responses as short texts. */

import type { Resource } from '../resources/resource.ts';
import type { Found, News, Shelf } from './shelf.ts';

/** A resource without bytes. */
export function resource(name: string, version: string): Resource {
  return { name, version, sotw: Buffer.alloc(0), delta: Buffer.alloc(0) };
}

export class TestShelf implements Shelf {
  readonly #found = new Map<string, Found>();
  #all: ReadonlyMap<string, Resource> | undefined;

  /** @param versions by name; undefined for what is not known yet. Other names do not exist */
  constructor(versions: Readonly<Record<string, string | undefined>>) {
    for (const [name, version] of Object.entries(versions)) this.#found.set(name, version === undefined ? undefined : resource(name, version));
  }

  put(name: string, version: string): void {
    this.#found.set(name, resource(name, version));
    this.#all = undefined;
  }

  delete(name: string): void {
    this.#found.delete(name);
    this.#all = undefined;
  }

  get(name: string): Found {
    return this.#found.has(name) ? this.#found.get(name) : null;
  }

  all(): ReadonlyMap<string, Resource> | undefined {
    const existing = [...this.#found].flatMap(([name, found]) => (found === null || found === undefined ? [] : [[name, found] as const]));
    return (this.#all ??= new Map(existing));
  }
}

/** `a:1 b:2 -c`: resources with versions in order of their names, then removed ones; undefined for no response. */
export function told(news: News | undefined): string | undefined {
  if (news === undefined) return undefined;
  const resources = [...news.resources].map(({ name, version }) => `${name}:${version}`).sort();
  return [...resources, ...[...news.removed].sort().map((name) => `-${name}`)].join(' ');
}
