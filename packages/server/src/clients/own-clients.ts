/** The clients of this node: what its front ends say of them, searched and written in steps. It asks no other node, and knows no rights. */

import { listedMax, type ClientSource, type ConnectedClient } from './client.ts';
import { charactersMax, hasText, linesMax, type ClientLine, type ClientsQuestion, type Lines } from './question.ts';

export interface OwnClientsOptions {
  /** Name of this node, for people. */
  readonly nodeName: string;
  /** Unique among the processes of the store. */
  readonly memberId: string;
  /** Description of a token, by its public id; undefined when there is none. */
  readonly describe: (accessorId: string) => string | undefined;
}

export class OwnClients {
  readonly #options: OwnClientsOptions;
  readonly #sources = new Set<ClientSource>();
  readonly #numbers = new WeakMap<object, number>();
  #count = 0;

  constructor(options: OwnClientsOptions) {
    this.#options = options;
  }

  /** Adds the clients of a front end, once for each front end. */
  add(source: ClientSource): void {
    this.#sources.add(source);
  }

  /** All clients, a step at a time. */
  *all(): Generator<ConnectedClient | undefined, void, undefined> {
    for (const source of this.#sources) yield* source();
  }

  /** The clients that a question is about. Yields after each client that it has looked at. */
  *find(question: ClientsQuestion): Generator<void, Lines, undefined> {
    const lines: string[] = [];
    const limit = Math.min(question.limit, linesMax);
    let count = 0;
    let characters = 0;
    for (const client of this.all()) {
      yield;
      if (client === undefined || !(yield* isMeant(client, question))) continue;
      count++;
      if (lines.length >= limit || characters > charactersMax) continue;
      const line = JSON.stringify(this.listed(client));
      characters += line.length + 1;
      if (characters <= charactersMax) lines.push(line);
    }
    return { lines, count, missing: [] };
  }

  /** As lists show it. */
  listed(client: ConnectedClient): ClientLine {
    const { key, accessorId, client: name, namespace, version, address, via, sinceMs } = client;
    const instances = first(client.instances?.());
    const watches = first(client.watches?.());
    const principal = accessorId === undefined ? undefined : this.#options.describe(accessorId) || accessorId;
    return {
      id: `${this.#options.memberId}.${typeof key === 'string' ? key : this.#numberOf(key)}`,
      ...{ client: name, namespace, node: this.#options.nodeName, via },
      ...(version === undefined || version === '' ? {} : { version }),
      ...(address === undefined || address === '' ? {} : { address }),
      ...(principal === undefined ? {} : { principal }),
      ...(sinceMs === undefined ? {} : { sinceMs }),
      ...{ instances: instances.listed, instanceCount: instances.count, watches: watches.listed, watchCount: watches.count },
      ...{ releases: first(client.releases?.()).listed, picks: first(client.picks?.()).listed },
    };
  }

  #numberOf(key: object): number {
    let number = this.#numbers.get(key);
    if (number === undefined) this.#numbers.set(key, (number = ++this.#count));
    return number;
  }
}

/** Watches that are looked at in one step. */
const watchesPerStep = 256;

/** What a question looks at: a client that is connected, or one that was. */
export type Asked = Pick<ConnectedClient, 'client' | 'namespace' | 'version' | 'address' | 'via' | 'instances' | 'watches' | 'picks'>;

/** Whether a question is about a client. */
export function* isMeant(client: Asked, { namespace, service, config, text }: ClientsQuestion): Generator<void, boolean, undefined> {
  if (!hasText(client, text)) return false;
  if (service === undefined && config === undefined) {
    if (client.namespace === namespace) return true;
    for (const each of client.instances?.() ?? []) if (each.namespace === namespace) return true;
  }
  let steps = 0;
  for (const watch of client.watches?.() ?? []) {
    if (++steps % watchesPerStep === 0) yield;
    if (watch.namespace !== namespace) continue;
    if (service === undefined && config === undefined) return true;
    if (watch.kind === 'service' && watch.name === service) return true;
    if (watch.kind === 'config' && watch.name === config) return true;
  }
  if (service !== undefined) for (const picks of client.picks?.() ?? []) if (picks.namespace === namespace && picks.service === service) return true;
  return false;
}

function first<T>(all: Iterable<T> | undefined): { readonly listed: readonly T[]; readonly count: number } {
  const listed: T[] = [];
  let count = 0;
  for (const each of all ?? []) if (++count <= listedMax) listed.push(each);
  return { listed, count };
}
