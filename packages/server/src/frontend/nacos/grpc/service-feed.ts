/**
 * One list of instances and all clients that subscribe to it: one watch in the registry, one reading and one encoding for each change,
 * the same bytes for all of them.
 *
 *   views.watch ─► at once, or 50 ms after the last reading ─► read and encode ─► hosts differ? ─► push to each subscriber
 *   a subscriber that has not answered its last push, or reads too slowly ─► gets the newest list when it has
 *
 * A change that Nacos does not show (the output of a check, another session of the same instance) is pushed to no client.
 */

import { RegistryError } from '@rollcall/protocol';
import { inTurns } from '../../../in-turns.ts';
import type { Context } from '../../../net/frontend.ts';
import type { FanOut, Pass } from '../../../net/fan-out.ts';
import type { Authorizer } from '../../../security/authorizer.ts';
import { readHosts, revisionOf, serviceInfo, watchService, type Selection } from '../service-info.ts';
import type { Connection, Push } from './connection.ts';
import { Delivery } from './delivery.ts';
import { encodePayload } from './wire.ts';

/** Shortest pause between two readings of one list: a service that changes all the time does not cost more than this. */
const mergeMs = 50;

/** Instances that are read in one turn of the event loop, some 5 ms. */
const readsPerTurn = 1_000;

export interface FeedOptions {
  readonly context: Pick<Context, 'registry' | 'clock' | 'wheel' | 'log'>;
  readonly fanOut: FanOut;
  readonly selection: Selection;
  /** Of its readers, who see the same instances. */
  readonly authorizer: Authorizer;
  readonly nextId: () => string;
  /** Called when the last subscriber has gone. */
  readonly onIdle: () => void;
}

/** The largest message that clients take, as the Java client is configured (`GrpcConstants.DEFAULT_MAX_INBOUND_MESSAGE_SIZE`). */
const listBytesMax = 10_485_760;

/** A list, encoded. */
interface Content {
  readonly revision: number;
  /** What subscribers look at: equal for two lists that show the same. */
  readonly hosts: string;
  /** JSON of the whole `ServiceInfo`, which has them. */
  readonly info: string;
}

export interface SubscriberOptions {
  readonly connection: Connection;
  /** Whether the client may still read the service; otherwise it is forgotten. */
  readonly mayRead: () => boolean;
  /** Whether it gets the list that `add` returns by its caller; otherwise the list is pushed. */
  readonly knows: boolean;
}

interface Member {
  /** Of the list that was sent last. */
  revision: number;
  /** Position among the members; -1 once removed. */
  index: number;
  readonly connection: Connection;
  readonly mayRead: () => boolean;
  readonly delivery: Delivery;
}

export interface Subscription {
  /** Sends the newest list, unless the client has it, or still reads the last one. */
  catchUp(): void;
  cancel(): void;
}

/**
 * Reads and encodes a list, in turns of the event loop. The name in it has no group, unlike that over HTTP.
 * @throws RegistryError `resource_exhausted` when no client would take it
 */
export function readInfo({ registry }: Pick<Context, 'registry'>, selection: Selection, authorizer: Authorizer): Promise<Content> {
  return inTurns(reading(registry, selection, authorizer), readsPerTurn);
}

function* reading({ state, views }: Context['registry'], selection: Selection, authorizer: Authorizer): Generator<undefined, Content, undefined> {
  const revision = revisionOf(views, selection);
  const { hosts, protects } = yield* readHosts(state, selection, authorizer);
  const encoded: string[] = [];
  let length = 0;
  for (const host of hosts) {
    const json = JSON.stringify(host);
    length += json.length;
    if (length > listBytesMax) {
      const message = `service ${selection.service.name} has ${hosts.length} instances, which are more than ${listBytesMax} bytes, the limit of gRPC clients; ask for a cluster of it`;
      throw new RegistryError('resource_exhausted', message);
    }
    encoded.push(json);
    yield;
  }
  const info = JSON.stringify(serviceInfo(selection, selection.service.name, { hosts: [], protects }, revision));
  const list = `"hosts":[${encoded.join(',')}]`;
  // Quotes in names are escaped, so this is found once.
  return { revision, hosts: `${list}${protects}`, info: info.replace('"hosts":[]', () => list) };
}

export class ServiceFeed implements Pass {
  readonly #options: FeedOptions;
  readonly #members: Member[] = [];
  readonly #unwatch: () => void;
  #content: Promise<Content> | undefined;
  #ready: Content | undefined;
  #push: Push | undefined;
  #dirty = true;
  #readAtMs = -Infinity;
  #cancelRead: () => void = () => {};
  /** A reading has been scheduled. */
  #isDue = false;
  /** The pass pushes to members from here down to 0. */
  #cursor = -1;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.#unwatch = watchService(options.context.registry.views, options.selection, () => this.#changed());
  }

  /** @returns the subscription, and the list that the client has from now on */
  async add({ connection, mayRead, knows }: SubscriberOptions): Promise<{ readonly subscription: Subscription; readonly info: string }> {
    const { wheel } = this.#options.context;
    const delivery = new Delivery({ connection, wheel, next: () => this.#newsFor(member), onUnanswered: () => (member.revision = -1) });
    // Nothing is pushed before the answer of the call is known.
    const member: Member = { revision: Infinity, index: this.#members.length, connection, mayRead, delivery };
    this.#members.push(member);
    const subscription = { catchUp: () => delivery.serve(), cancel: () => this.#remove(member) };
    try {
      const { revision, info } = await this.#refresh();
      member.revision = knows ? revision : -1;
      delivery.serve();
      return { subscription, info };
    } catch (error) {
      this.#remove(member);
      throw error;
    }
  }

  /** Of all subscribers. */
  *connections(): Generator<Connection, void, undefined> {
    for (const { connection } of this.#members) yield connection;
  }

  advance(budget: number): number {
    let left = budget;
    while (this.#cursor >= 0 && left > 0) {
      const member = this.#members[this.#cursor--];
      if (member === undefined) continue;
      member.delivery.serve();
      left--;
    }
    return left;
  }

  #changed(): void {
    this.#dirty = true;
    if (this.#members.length === 0 || this.#isDue) return;
    const { clock, wheel } = this.#options.context;
    const pauseMs = this.#readAtMs + mergeMs - clock.monotonic();
    this.#isDue = true;
    if (pauseMs <= 0) {
      // In the next turn: commands that are committed together change the list once.
      this.#options.fanOut.schedule({ advance: (budget) => (this.#readNow(), budget) });
      return;
    }
    const timer = wheel.schedule(pauseMs, () => this.#readNow());
    this.#cancelRead = () => timer.cancel();
  }

  #readNow(): void {
    this.#isDue = false;
    if (this.#members.length === 0) return;
    this.#refresh().catch((err: unknown) => this.#options.context.log.error({ err }, 'a list of instances could not be read for its subscribers'));
  }

  /** Reads the list, if it has changed since it was read. Readers that come meanwhile get the same one. */
  #refresh(): Promise<Content> {
    if (!this.#dirty && this.#content !== undefined) return this.#content;
    this.#dirty = false;
    const { context, selection, authorizer } = this.#options;
    this.#readAtMs = context.clock.monotonic();
    const content = readInfo(context, selection, authorizer).then((read) => this.#takeOver(read));
    this.#content = content;
    content.catch(() => {
      if (this.#content === content) this.#content = undefined;
    });
    return content;
  }

  #takeOver(read: Content): Content {
    const before = this.#ready;
    // An earlier reading of a large list may end later.
    if (before !== undefined && (before.revision > read.revision || before.hosts === read.hosts)) return before;
    this.#ready = read;
    this.#push = undefined;
    this.#cursor = this.#members.length - 1;
    if (before !== undefined || this.#members.length > 1) this.#options.fanOut.schedule(this);
    return read;
  }

  #newsFor(member: Member): Push | undefined {
    const ready = this.#ready;
    if (ready === undefined || member.index < 0 || member.revision >= ready.revision) return undefined;
    if (!member.mayRead()) {
      this.#remove(member);
      return undefined;
    }
    member.revision = ready.revision;
    return this.#pushOf(ready);
  }

  /** The same bytes, and so the same id of the request, for all subscribers. */
  #pushOf({ info }: Content): Push {
    if (this.#push !== undefined) return this.#push;
    const requestId = this.#options.nextId();
    const body = `{"headers":{},"requestId":"${requestId}","serviceInfo":${info},"module":"naming"}`;
    return (this.#push = { requestId, bytes: encodePayload('NotifySubscriberRequest', body) });
  }

  #remove(member: Member): void {
    if (member.index < 0) return;
    member.delivery.end();
    const last = this.#members.pop();
    if (last !== undefined && last !== member) {
      this.#members[member.index] = last;
      last.index = member.index;
    }
    member.index = -1;
    if (this.#members.length > 0) return;
    this.#unwatch();
    this.#cancelRead();
    this.#options.fanOut.cancel(this);
    this.#options.onIdle();
  }
}
