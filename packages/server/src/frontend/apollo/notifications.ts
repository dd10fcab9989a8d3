/**
 * Long polling: a client sends the id of the last change that it has seen of each namespace, and waits up to 60 s for a newer one. An id is the
 * revision of the views of what the client gets, so it rises with every change, over restarts and on every node.
 *
 *   request ─► one is newer? ── yes ─► answer
 *                 │ no
 *   parked ─► a view changes ─► next turn: compare ─► newer: answer · same: wait on
 *       └──── time is over: 304 · rights changed · client gone · server closes
 *
 * Source: `NotificationControllerV2` and `WatchKeysUtil` of github.com/apolloconfig/apollo.
 */

import { type ClientWatch, RegistryError } from '@rollcall/protocol';
import type { ConnectedClient } from '../../clients/client.ts';
import { onClientEnd } from '../../net/client-end.ts';
import type { Context } from '../../net/frontend.ts';
import { tokenOf } from '../../net/principal.ts';
import { sendText, type RoutedCall } from '../../net/routed-frontend.ts';
import type { WheelTimer } from '../../health/wheel.ts';
import type { ConfigReader } from '../../registry/kind/config/given.ts';
import { resolve, viewsOf } from '../../registry/kind/config/resolve.ts';
import { candidates } from './found.ts';

/** Clients read for 90 s. */
const holdMs = 60_000;
/** Namespaces of one request. */
const namespacesMax = 1_000;
/** Clients that are looked at in a turn of the event loop. */
const sliceMax = 256;

export interface Asked {
  readonly environment: string;
  readonly app: string;
  readonly cluster: string;
  readonly reader: ConfigReader;
  readonly entries: readonly Entry[];
}

export interface Entry {
  /** As the client spells it. */
  readonly namespaceName: string;
  readonly notificationId: number;
}

interface Parked {
  readonly call: RoutedCall;
  readonly asked: Asked;
  readonly authorize: () => void;
  unwatch: (() => void)[];
  readonly timer: WheelTimer;
  readonly ends: (() => void)[];
}

export class Notifications {
  readonly #context: Context;
  readonly #parked = new Set<Parked>();
  readonly #woken = new Set<Parked>();
  #isScheduled = false;
  #isClosing = false;

  constructor(context: Context) {
    this.#context = context;
    context.clients.add(() => this.#clients());
  }

  /** @param authorize throws when the caller may not read what is asked for */
  poll(call: RoutedCall, asked: Asked, authorize: () => void): Promise<void> | void {
    authorize();
    const { exchange: { request, response } } = call;
    if (this.#isClosing || this.#answerNewer(call, asked)) return undefined;
    const { limits: { parkedMax }, wheel, security: { acl } } = this.#context;
    if (this.#parked.size >= parkedMax) throw new RegistryError('resource_exhausted', `${this.#parked.size} requests wait for configurations, which is the limit; try again later`);
    return new Promise((done, fail) => {
      const ends: (() => void)[] = [];
      const finish = (answer: () => void) => {
        this.#forget(parked);
        answer();
        done();
      };
      const notModified = () => finish(() => response.writeHead(304).end());
      const parked: Parked = { call, asked, authorize, unwatch: [], timer: wheel.schedule(holdMs, notModified), ends };
      response.once('close', () => finish(() => {}));
      ends.push(onClientEnd(request.socket, notModified), () => done());
      const reconsider = () => {
        try {
          authorize();
        } catch (error) {
          this.#forget(parked);
          fail(error);
        }
      };
      if (acl.enabled) ends.push(acl.onChange(call.caller, reconsider));
      this.#parked.add(parked);
      this.#watch(parked);
    });
  }

  close(): void {
    this.#isClosing = true;
    for (const parked of [...this.#parked]) {
      this.#forget(parked);
      parked.call.exchange.response.writeHead(304).end();
    }
  }

  /** The clients that wait now: a client that has its answer is back at once. */
  *#clients(): Generator<ConnectedClient, void, undefined> {
    const { state } = this.#context.registry;
    for (const { call: { caller }, asked: { environment, app, cluster, reader, entries } } of this.#parked) {
      const { address } = reader;
      const watches = () => entries.map(({ namespaceName }): ClientWatch => {
        const [first, ...others] = candidates(state, environment, app, { namespaceName, place: reader });
        // A name stands for the first configuration that exists.
        const { namespace, app: of, name } = [first, ...others].find((each) => each !== undefined && resolve(state, each, reader).layers.length > 0) ?? first ?? { namespace: environment, app, name: namespaceName };
        return { kind: 'config', namespace, name: `${of}/${name}` };
      });
      yield { key: `apollo ${address} ${app} ${cluster}`, client: app, namespace: environment, address, via: 'apollo', accessorId: tokenOf(caller), watches };
    }
  }

  /** @returns whether one was newer, and the answer is sent */
  #answerNewer({ exchange: { response } }: RoutedCall, asked: Asked): boolean {
    const { environment, app, cluster, entries } = asked;
    const { registry } = this.#context;
    const newer = entries.flatMap(({ namespaceName, notificationId }) => {
      const id = Math.max(0, ...this.#viewsOf(asked, namespaceName).map((view) => registry.views.revision(view)));
      // A client with a larger id has seen another store, or one before a restore.
      const isNewer = id > 0 && (id > notificationId || notificationId > registry.state.revision);
      return isNewer ? [{ namespaceName, notificationId: id, messages: { details: { [`${app}+${cluster}+${namespaceName.replace(/\.properties$/i, '')}`]: id } } }] : [];
    });
    if (newer.length === 0) return false;
    response.setHeader('X-Rollcall-Namespace', environment);
    sendText(response, 200, 'application/json', JSON.stringify(newer));
    return true;
  }

  #viewsOf({ environment, app, reader }: Asked, namespaceName: string): string[] {
    const { state } = this.#context.registry;
    return candidates(state, environment, app, { namespaceName, place: reader }).flatMap((name) => viewsOf(state, name, reader));
  }

  #watch(parked: Parked): void {
    for (const end of parked.unwatch) end();
    const views = new Set(parked.asked.entries.flatMap(({ namespaceName }) => this.#viewsOf(parked.asked, namespaceName)));
    parked.unwatch = Array.from(views, (view) => this.#context.registry.views.watch(view, () => this.#wake(parked)));
  }

  /** Called within the transaction that changed a view: it only notes that. */
  #wake(parked: Parked): void {
    this.#woken.add(parked);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      let left = sliceMax;
      for (const parked of this.#woken) {
        if (left-- === 0) break;
        this.#woken.delete(parked);
        if (!this.#parked.has(parked)) continue;
        if (this.#answerNewer(parked.call, parked.asked)) this.#forget(parked);
        else this.#watch(parked);
      }
      if (this.#woken.size > 0) this.#schedule();
    });
  }

  #forget(parked: Parked): void {
    if (!this.#parked.delete(parked)) return;
    this.#woken.delete(parked);
    parked.timer.cancel();
    for (const end of parked.unwatch) end();
    for (const end of parked.ends) end();
  }
}

/** @throws RegistryError `invalid_argument` */
export function readEntries(text: string): Entry[] {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    list = undefined;
  }
  if (!Array.isArray(list) || list.length === 0) throw new RegistryError('invalid_argument', 'notifications must be a list in JSON: [{"namespaceName": "application", "notificationId": -1}]');
  if (list.length > namespacesMax) throw new RegistryError('invalid_argument', `notifications names ${list.length} namespaces, the limit is ${namespacesMax}`);
  const byName = new Map<string, Entry>();
  for (const each of list as readonly unknown[]) {
    const { namespaceName, notificationId } = (typeof each === 'object' && each !== null ? each : {}) as Partial<Record<keyof Entry, unknown>>;
    if (typeof namespaceName !== 'string' || namespaceName === '' || typeof notificationId !== 'number' || !Number.isSafeInteger(notificationId)) {
      throw new RegistryError('invalid_argument', 'each of notifications needs namespaceName, a text, and notificationId, an integer');
    }
    byName.set(namespaceName, { namespaceName, notificationId });
  }
  return [...byName.values()];
}
