/**
 * Blocking queries: requests that wait until the view they ask about has a newer revision than the
 * one they know (https://developer.hashicorp.com/consul/api-docs/features/blocking).
 *
 *   group   one per view; watches it once, however many requests wait
 *     └─ parked   a response, the index it knows, its timeout on the wheel
 *
 * Who waits may wait only as long as it may ask: when its token ends, or what it may do changes, it is looked
 * at again in the same turn, and sent away if it has lost the right. What it gets in the end is what it may
 * see then.
 *
 * What waits costs little: no promise, no copy of the request, and the query is shared by all that ask
 * the same. Those that a change wakes are answered in slices, so that ten thousand of them do not keep
 * heartbeats waiting.
 */

import type { ServerResponse } from 'node:http';
import type { Wheel, WheelTimer } from '../../../health/wheel.ts';
import { onClientEnd } from '../../../net/client-end.ts';
import type { Registry } from '../../../registry/registry.ts';
import type { Acl, Caller } from '../../../security/acl.ts';
import { unidentified } from '../request/authenticator.ts';
import type { Wait } from '../wire/params.ts';
import type { Plan } from './plan.ts';

export interface ParkingOptions {
  readonly registry: Registry;
  readonly acl: Acl;
  readonly wheel: Wheel;
  /** Requests that may wait at the same time. */
  readonly parkedMax: number;
  /** From 0 up to, but not including, 1. */
  readonly random: () => number;
  readonly onSize: (size: number) => void;
  /** Answers with what is there now. */
  readonly answer: (response: ServerResponse, plan: Plan, caller: Caller) => void;
  /** @throws RegistryError when the caller may not have an answer (any more) */
  readonly authorize: (plan: Plan, caller: Caller) => void;
  /** Answers that the caller may not wait any longer. */
  readonly refuse: (response: ServerResponse, plan: Plan, caller: Caller, error: unknown) => void;
  /**
   * Tells bodies of a plan with a filter apart. Calls `ready` with the digest of what is there now and its
   * revision, at once or as soon as it is encoded; undefined when any change of its views counts.
   */
  readonly digest: (
    response: ServerResponse,
    plan: Plan,
    caller: Caller,
    ready: (digest: string | undefined, revision: number) => void,
  ) => void;
  /** Whether this turn of the event loop has done what it may. */
  readonly spent: () => boolean;
}

interface Parked {
  readonly response: ServerResponse;
  readonly plan: Plan;
  /** With what it may do now. */
  caller: Caller;
  /** The newest revision that is known to have nothing new for it. */
  index: number;
  /** Of a query with a filter: the body that the client knows, and the newest one. */
  readonly content: Content | undefined;
  readonly group: Group;
  timer: WheelTimer | undefined;
  /** Ends listening to changes of what the caller may do. */
  unfollow: (() => void) | undefined;
  /** Ends waiting for the client to close its side. */
  forgetEnd: (() => void) | undefined;
}

interface Content {
  /** The digest of the body that was there when the request came; undefined when any change counts. */
  known: string | undefined;
  /** The digest of a body is on its way. */
  comparing: boolean;
  /** What was found, for the next slice of answers to act upon. */
  found: { readonly digest: string | undefined; readonly revision: number } | undefined;
}

interface Group {
  readonly key: string;
  readonly plan: Plan;
  readonly members: Set<Parked>;
  readonly unwatch: (() => void)[];
  /** Answers of its members are on their way. */
  waking: boolean;
}

/** Consul adds up to a sixteenth of the time, so that clients that started together drift apart. */
const jitterShare = 1 / 16;

/** About 5 ms of answers that are encoded already, between two turns of the event loop. */
const sliceMax = 256;
/** Those that go on in any case, lest requests of others keep them waiting for ever. */
const sliceMin = 8;

export class Parking {
  readonly #options: ParkingOptions;
  readonly #groups = new Map<string, Group>();
  readonly #waking: Group[] = [];
  #size = 0;
  #scheduled = false;

  constructor(options: ParkingOptions) {
    this.#options = options;
  }

  /** How many requests wait. */
  get size(): number {
    return this.#size;
  }

  get full(): boolean {
    return this.#size >= this.#options.parkedMax;
  }

  /** Holds a request until its view has a newer revision, its time is over, or its client is gone. */
  park(response: ServerResponse, plan: Plan, { index, waitMs }: Wait, caller: Caller): void {
    const group = this.#groupOf(plan);
    const { acl, wheel, random, onSize, digest } = this.#options;
    const content: Content | undefined =
      plan.query.filtered === true ? { known: undefined, comparing: true, found: undefined } : undefined;
    const parked: Parked = {
      response,
      plan,
      caller,
      index,
      content,
      group,
      timer: undefined,
      unfollow: undefined,
      forgetEnd: undefined,
    };
    // The caller of an open route has no token that could change.
    if (acl.enabled && caller !== unidentified) parked.unfollow = acl.onChange(caller, () => this.#reconsider(parked));
    group.members.add(parked);
    onSize(++this.#size);
    parked.timer = wheel.schedule(waitMs * (1 + random() * jitterShare), () => this.#answer(parked));
    response.once('close', () => this.#remove(parked));
    // Most such clients are gone and will never read it, but one that is not gets the answer of its last request.
    parked.forgetEnd = onClientEnd(response.req.socket, () => this.#answer(parked));
    if (content === undefined) return;
    digest(response, plan, caller, (known) => {
      content.known = known;
      content.comparing = false;
      // It may have changed meanwhile.
      if (group.members.has(parked) && parked.index < plan.revision(this.#options.registry)) this.#wake(group);
    });
  }

  /** Answers every parked query with the present content. */
  flush(): void {
    for (const group of [...this.#groups.values()]) {
      for (const parked of [...group.members]) this.#answer(parked);
    }
  }

  /** What the caller may do has changed; it may still be enough. */
  #reconsider(parked: Parked): void {
    const { acl, authorize, refuse } = this.#options;
    try {
      parked.caller = acl.refresh(parked.caller);
      authorize(parked.plan, parked.caller);
    } catch (error) {
      if (this.#remove(parked)) refuse(parked.response, parked.plan, parked.caller, error);
    }
  }

  #groupOf(plan: Plan): Group {
    const { query } = plan;
    const key = [query.view, ...(query.others ?? [])].join('\0\0');
    const known = this.#groups.get(key);
    if (known !== undefined) return known;
    const group: Group = { key, plan, members: new Set(), unwatch: [], waking: false };
    this.#groups.set(key, group);
    this.#watch(group);
    return group;
  }

  #watch(group: Group): void {
    const { views } = this.#options.registry;
    const { view, others = [] } = group.plan.query;
    for (const one of [view, ...others]) group.unwatch.push(views.watch(one, () => this.#wake(group)));
  }

  /** Called within the batch that changed the view, so it only remembers. */
  #wake(group: Group): void {
    if (!group.waking) {
      group.waking = true;
      this.#waking.push(group);
    }
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#answerSlice();
    });
  }

  #answerSlice(): void {
    let answered = 0;
    while (this.#waking.length > 0) {
      const group = this.#waking[0] as Group;
      const revision = group.plan.revision(this.#options.registry);
      for (const parked of group.members) {
        if (parked.index >= revision || parked.content?.comparing === true) continue;
        if (answered === sliceMax || (answered >= sliceMin && this.#options.spent())) {
          this.#schedule();
          return;
        }
        answered++;
        if (parked.content === undefined || this.#hasChanged(parked, parked.content)) this.#answer(parked);
      }
      this.#waking.shift();
      group.waking = false;
    }
  }

  /** Whether the client is to be told. When it cannot be said yet, its group is woken again as soon as it can. */
  #hasChanged(parked: Parked, content: Content): boolean {
    while (content.known !== undefined) {
      if (content.found === undefined) this.#compare(parked, content);
      const { found } = content;
      if (found === undefined) return false;
      content.found = undefined;
      if (found.digest !== content.known) return true;
      parked.index = Math.max(parked.index, found.revision);
      // A change since then has to be compared, too.
      if (parked.index >= parked.plan.revision(this.#options.registry)) return false;
    }
    return true;
  }

  #compare({ response, plan, caller, group }: Parked, content: Content): void {
    content.comparing = true;
    this.#options.digest(response, plan, caller, (digest, revision) => {
      content.comparing = false;
      content.found = { digest, revision };
      this.#wake(group);
    });
  }

  #answer(parked: Parked): void {
    if (this.#remove(parked)) this.#options.answer(parked.response, parked.plan, parked.caller);
  }

  #remove(parked: Parked): boolean {
    const { group, timer, unfollow, forgetEnd } = parked;
    if (!group.members.delete(parked)) return false;
    this.#options.onSize(--this.#size);
    timer?.cancel();
    unfollow?.();
    forgetEnd?.();
    if (group.members.size === 0) {
      for (const unwatch of group.unwatch.splice(0)) unwatch();
      this.#groups.delete(group.key);
    }
    return true;
  }
}
