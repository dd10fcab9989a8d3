/**
 * One server in a comparison: its clients take the same steps as those of the other one, and each step gives an outcome without times,
 * with sessions by the number of their client. Zxids stay as they are: two servers count differently, and only their order is compared.
 */

import { systemClock } from '../../../packages/server/src/clock.ts';
import { openConnection, type Connection, type WatchNotification } from '../../../packages/server/src/bridge/zookeeper/connection.ts';
import { base, clientCount, type Ask, type ClientStep } from './steps.ts';

/** Plain data, so that two of them can be compared. */
export interface Outcome {
  /** The answer, or that the server closed the connection. */
  readonly answer: unknown;
  /** Events of each client since the step before. */
  readonly events: readonly (readonly Event[])[];
}

interface Event {
  readonly type: number;
  readonly path: string;
}

/** Watches of a client, which it sets again after a cut as the libraries do. */
interface Watches {
  readonly data: Set<string>;
  readonly exist: Set<string>;
  readonly child: Set<string>;
  readonly persistent: Set<string>;
  readonly recursive: Set<string>;
}

interface Client {
  connection: Connection;
  watches: Watches;
  events: WatchNotification[];
}

const timeoutMs = 10_000;

export class Side {
  readonly #port: number;
  readonly #clients: Client[] = [];
  /** Number of each session that was ever open. */
  readonly #sessions = new Map<bigint, string>();

  private constructor(port: number) {
    this.#port = port;
  }

  static async open(port: number): Promise<Side> {
    const side = new Side(port);
    for (let client = 0; client < clientCount; client++) side.#clients.push(await side.#newSession());
    await side.#at(0).connection.request('create', { path: base, data: null, acl: [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }], flags: 0 });
    return side;
  }

  async take({ client, step }: ClientStep): Promise<Outcome> {
    const own = this.#at(client);
    let answer: unknown;
    switch (step.kind) {
      case 'ask':
        answer = await this.#ask(own, step);
        break;
      case 'end':
        await own.connection.close();
        this.#clients[client] = await this.#newSession();
        answer = 'ended';
        break;
      case 'cut':
        answer = await this.#cut(own);
        break;
    }
    // An answer shows that all events before it have arrived.
    await Promise.all(this.#clients.map(({ connection }) => connection.request('exists', { path: '/', watch: false }).catch(() => undefined)));
    const events = this.#clients.map((each) => each.events.splice(0).map(({ type, path }) => ({ type, path })));
    const severalChanges = step.kind === 'end' || (step.kind === 'ask' && step.op === 'multi');
    return { answer, events: severalChanges ? events.map(outcomeOfSeveral) : events };
  }

  async close(): Promise<void> {
    for (const { connection } of this.#clients) await connection.close();
  }

  #at(client: number): Client {
    const found = this.#clients[client];
    if (found === undefined) throw new Error(`no client ${client}`);
    return found;
  }

  async #newSession(): Promise<Client> {
    const events: WatchNotification[] = [];
    const watches: Watches = { data: new Set(), exist: new Set(), child: new Set(), persistent: new Set(), recursive: new Set() };
    const client: Client = { watches, events, connection: await openConnection({ ...this.#options(), onNotification: (event) => this.#told(client, event) }) };
    this.#sessions.set(client.connection.sessionId, `session ${this.#sessions.size}`);
    return client;
  }

  #options() {
    return { host: '127.0.0.1', port: this.#port, timeoutMs, clock: systemClock };
  }

  #told({ events, watches }: Client, event: WatchNotification): void {
    events.push(event);
    const gone = event.type === 2;
    if (gone || event.type === 3) watches.data.delete(event.path);
    if (gone || event.type === 1 || event.type === 3) watches.exist.delete(event.path);
    if (gone || event.type === 4) watches.child.delete(event.path);
  }

  async #ask({ connection, watches }: Client, { op, body }: Ask): Promise<unknown> {
    const before = connection.sessionId;
    try {
      const reply = await connection.request(op, body);
      if (reply.err === 0 || (op === 'exists' && reply.err === -101)) remember(watches, { kind: 'ask', op, body } as Ask, reply.err === 0);
      return this.#plain(reply.err === 0 ? reply.body : { err: reply.err });
    } catch {
      const own = this.#clients.find((each) => each.connection.sessionId === before);
      if (own !== undefined) await this.#cut(own);
      return 'the connection was closed';
    }
  }

  /** The session goes on over a new connection. */
  async #cut(client: Client): Promise<unknown> {
    const { sessionId: id, password, lastZxid } = client.connection;
    client.connection.destroy();
    client.connection = await openConnection({ ...this.#options(), session: { id, password }, lastZxidSeen: lastZxid, onNotification: (event) => this.#told(client, event) });
    const { data, exist, child, persistent, recursive } = client.watches;
    const body = { relativeZxid: lastZxid, dataWatches: [...data], existWatches: [...exist], childWatches: [...child], persistentWatches: [...persistent], persistentRecursiveWatches: [...recursive] };
    const { err } = await client.connection.request('setWatches2', body);
    return { same: client.connection.sessionId === id, err };
  }

  #plain(value: unknown): unknown {
    if (typeof value === 'bigint') return value === 0n ? 'none' : (this.#sessions.get(value) ?? 'an unknown session');
    if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1');
    if (Array.isArray(value)) {
      const list = value.map((each) => this.#plain(each));
      // Children and ephemerals come in no order.
      return list.every((each) => typeof each === 'string') ? list.sort() : list;
    }
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).flatMap(([name, each]) => (name === 'ctime' || name === 'mtime' ? [] : [[name, this.#plain(each)]])));
  }
}

/**
 * The events of one transaction with several changes, as Rollcall has them: those that a znode gets by its state before and after it, each
 * once and in any order. ZooKeeper tells each change on its own.
 */
function outcomeOfSeveral(events: readonly Event[]): Event[] {
  const types = new Map<string, Set<number>>();
  for (const { type, path } of events) types.set(path, (types.get(path) ?? new Set()).add(type));
  const passing = (path: string): boolean => [1, 2].every((type) => types.get(path)?.has(type) === true);
  const once = new Map(events.filter(({ path }) => !passing(path)).map((event) => [`${event.path} ${event.type}`, event]));
  return [...once.entries()].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, event]) => event);
}

function remember(watches: Watches, { op, body }: Ask, found: boolean): void {
  if ('watch' in body && body.watch) {
    if (op === 'getChildren' || op === 'getChildren2') watches.child.add(body.path);
    else (found ? watches.data : watches.exist).add(body.path);
  }
  if (op === 'addWatch') (body.mode === 0 ? watches.persistent : watches.recursive).add(body.path);
  if (op === 'removeWatches') {
    const { path, type } = body;
    if (type === 1 || type === 3) watches.child.delete(path);
    if (type === 2 || type === 3) for (const each of [watches.data, watches.exist]) each.delete(path);
    if (type === 4 || type === 3) watches.persistent.delete(path);
    if (type === 5 || type === 3) watches.recursive.delete(path);
  }
}
