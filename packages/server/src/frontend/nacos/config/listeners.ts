/**
 * Long polling: clients send the MD5 of each configuration that they have, and wait until one of them is another. A client waits on the
 * views of its own configurations only; clients of the same one share a watch.
 *
 *   request ─► one differs? ── yes ─► answer
 *                  │ no
 *   parked ─► a view changes ─► next turn: compare the MD5 of that one ─► differs: answer · same: wait on
 *       └──── time is over, client gone, rights changed, server closes ─► answer, or forget
 *
 * Source: `LongPollingService` in github.com/alibaba/nacos.
 */

import { RegistryError } from '@rollcall/protocol';
import { onClientEnd } from '../../../net/client-end.ts';
import type { Context, Exchange } from '../../../net/frontend.ts';
import type { WheelTimer } from '../../../health/wheel.ts';
import type { ConfigReader } from '../../../registry/kind/config/given.ts';
import { configView } from '../../../registry/kind/config/views.ts';
import type { Caller } from '../../../security/acl.ts';
import { namespaceFor } from '../../../security/hidden-namespace.ts';
import { invalid, toNamespace } from '../names.ts';
import { Answer, jsonUtf8, later, type Returned } from '../request/answer.ts';
import type { Call } from '../request/call.ts';
import { checkWord, clientOf } from './target.ts';
import { md5For, refOf, rightsName, type ConfigName } from './translate.ts';

/** Configurations that one request may wait for, as in Nacos. */
const entriesMax = 10_000;
/** Nacos answers half a second before the client gives up, and holds a request for 10 s at least. */
const marginMs = 500;
const leastMs = 10_000;
/** The longest that a client may ask for. */
const mostMs = 600_000;
/** Clients that are answered in a turn of the event loop; the others wait for the next one. */
const sliceMax = 256;

interface Entry extends ConfigName {
  readonly md5: string;
  /** As the client sent it; undefined when it sent none. */
  readonly tenant: string | undefined;
}

interface Parked {
  readonly exchange: Exchange;
  caller: Caller;
  readonly client: ConfigReader;
  readonly entries: readonly Entry[];
  readonly groups: Group[];
  timer: WheelTimer | undefined;
  unfollow: (() => void) | undefined;
  forgetEnd: (() => void) | undefined;
}

/** Everything that waits for one configuration. */
interface Group {
  readonly view: string;
  readonly members: Map<Parked, Entry>;
  readonly unwatch: () => void;
}

export class Listeners {
  readonly #context: Context;
  readonly #send: (exchange: Exchange, answer: Answer) => void;
  readonly #fail: (exchange: Exchange, error: unknown) => void;
  readonly #groups = new Map<string, Group>();
  readonly #parked = new Set<Parked>();
  /** What changed, and the members that have not been looked at. */
  readonly #waking: { readonly group: Group; readonly members: IterableIterator<[Parked, Entry]> }[] = [];
  readonly #pending = new Set<Group>();
  #scheduled = false;
  #closing = false;

  constructor(context: Context, send: (exchange: Exchange, answer: Answer) => void, fail: (exchange: Exchange, error: unknown) => void) {
    this.#context = context;
    this.#send = send;
    this.#fail = fail;
  }

  /** `POST configs/listener` */
  listen(call: Call): Returned {
    const { exchange, caller, context: { registry, limits, wheel, metrics, security: { acl } } } = call;
    const entries = readEntries(call);
    const client = clientOf(call);
    for (const entry of entries) call.require(entry.namespace, 'config', 'read', rightsName(entry));
    const changed = entries.filter((entry) => md5For(registry.state, entry, client) !== entry.md5);
    const { headers } = exchange.request;
    if (changed.length > 0 || headers['long-pulling-timeout-no-hangup'] === 'true' || this.#closing) return answerWith(changed);
    if (this.#parked.size >= limits.parkedMax) {
      throw new RegistryError('resource_exhausted', `${this.#parked.size} requests wait for configurations, which is the limit; try again later`);
    }
    const parked: Parked = { exchange, caller, client, entries, groups: [], timer: undefined, unfollow: undefined, forgetEnd: undefined };
    this.#parked.add(parked);
    metrics.configListeners.set(this.#parked.size);
    for (const entry of entries) this.#join(parked, entry);
    if (acl.enabled) parked.unfollow = acl.onChange(caller, () => this.#reconsider(parked));
    parked.timer = wheel.schedule(waitMs(headers['long-pulling-timeout']), () => this.#answer(parked, []));
    exchange.response.once('close', () => this.#forget(parked));
    parked.forgetEnd = onClientEnd(exchange.request.socket, () => this.#answer(parked, []));
    return later;
  }

  /** Addresses of the clients that wait for a configuration, with the MD5 that they have. */
  waitingFor(name: ConfigName): Readonly<Record<string, string>> {
    const members = this.#groups.get(configView(refOf(name)))?.members ?? new Map<Parked, Entry>();
    return Object.fromEntries(Array.from(members, ([{ client }, { md5 }]) => [client.address ?? '', md5]));
  }

  /** Answers all requests that wait. */
  close(): void {
    this.#closing = true;
    for (const parked of [...this.#parked]) this.#answer(parked, []);
  }

  #join(parked: Parked, entry: Entry): void {
    const view = configView(refOf(entry));
    let group = this.#groups.get(view);
    if (group === undefined) {
      const members = new Map<Parked, Entry>();
      const made: Group = { view, members, unwatch: this.#context.registry.views.watch(view, () => this.#wake(made)) };
      group = made;
      this.#groups.set(view, group);
    }
    group.members.set(parked, entry);
    parked.groups.push(group);
  }

  /** Called within the transaction that changed the view: it only notes that. */
  #wake(group: Group): void {
    if (this.#pending.has(group)) return;
    this.#pending.add(group);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      for (const group of this.#pending) this.#waking.push({ group, members: new Map(group.members).entries() });
      this.#pending.clear();
      this.#answerSlice();
      if (this.#waking.length > 0) this.#schedule();
    });
  }

  #answerSlice(): void {
    const { state } = this.#context.registry;
    for (let left = sliceMax; left > 0; left--) {
      const [first] = this.#waking;
      if (first === undefined) return;
      const next = first.members.next();
      if (next.done === true) {
        this.#waking.shift();
        continue;
      }
      const [parked, entry] = next.value;
      if (this.#parked.has(parked) && md5For(state, entry, parked.client) !== entry.md5) this.#answer(parked, [entry]);
    }
  }

  /** The rights of the caller have changed. */
  #reconsider(parked: Parked): void {
    const { acl } = this.#context.security;
    try {
      parked.caller = acl.refresh(parked.caller);
      for (const entry of parked.entries) acl.authorize(parked.caller, entry.namespace, 'config', 'read', rightsName(entry));
    } catch (error) {
      if (this.#forget(parked)) this.#fail(parked.exchange, error);
    }
  }

  #answer(parked: Parked, changed: readonly Entry[]): void {
    if (this.#forget(parked)) this.#send(parked.exchange, answerWith(changed));
  }

  /** @returns whether it still waited */
  #forget(parked: Parked): boolean {
    if (!this.#parked.delete(parked)) return false;
    this.#context.metrics.configListeners.set(this.#parked.size);
    parked.timer?.cancel();
    parked.unfollow?.();
    parked.forgetEnd?.();
    for (const group of parked.groups) {
      group.members.delete(parked);
      if (group.members.size > 0) continue;
      group.unwatch();
      this.#groups.delete(group.view);
    }
    return true;
  }
}

/** How long a request is held. @param header `Long-Pulling-Timeout`, in milliseconds */
export function waitMs(header: string | string[] | undefined): number {
  const asked = Number(header);
  return Number.isFinite(asked) ? Math.min(Math.max(leastMs, asked - marginMs), mostMs) : leastMs;
}

const fieldEnd = '\u0002';
const lineEnd = '\u0001';

/** The names of what changed, as Nacos writes them; the tenant only if the client sent it. */
function answerWith(changed: readonly Entry[]): Answer {
  const names = changed.map(({ id, group, tenant }) => [id, group, ...(tenant === undefined ? [] : [tenant])].join(fieldEnd) + lineEnd);
  const body = names.length === 0 ? '' : `${encodeURIComponent(names.join(''))}\n`;
  return new Answer(Buffer.from(body), jsonUtf8);
}

/** @throws RegistryError `invalid_argument` */
function readEntries(call: Call): Entry[] {
  const given = call.params.required('Listening-Configs');
  // Old clients encode it twice.
  const text = given.includes(fieldEnd) || !given.includes('%02') ? given : decodeURIComponent(given);
  const entries: Entry[] = [];
  for (const line of text.split(lineEnd)) {
    if (line === '') continue;
    const [id = '', group = '', md5 = '', tenant, ...more] = line.split(fieldEnd);
    if (id === '' || group === '' || more.length > 0) throw invalid("Param 'Listening-Configs' is illegal: an entry is dataId, group, MD5 and perhaps tenant.");
    if (entries.length >= entriesMax) throw invalid(`Param 'Listening-Configs' is illegal: it has more than ${entriesMax} entries; send several requests.`);
    entries.push({ namespace: namespaceFor(call.caller, toNamespace(tenant)), group: checkWord('group', group), id: checkWord('dataId', id), md5, tenant });
  }
  if (entries.length === 0) throw invalid("Param 'Listening-Configs' is required.");
  return entries;
}
