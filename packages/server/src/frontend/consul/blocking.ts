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
import type { Wheel, WheelTimer } from '../../health/wheel.ts';
import { onClientEnd } from '../../net/client-end.ts';
import type { Registry } from '../../registry/registry.ts';
import type { Acl, Caller } from '../../security/acl.ts';
import type { Plan } from './plan.ts';
import type { Wait } from './params.ts';

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
  readonly demand: (plan: Plan, caller: Caller) => void;
  /** Answers that the caller may not wait any longer. */
  readonly refuse: (response: ServerResponse, plan: Plan, caller: Caller, error: unknown) => void;
  /** Tells bodies of a plan with a filter apart; undefined when any change of its views counts. */
  readonly digest: (plan: Plan, caller: Caller) => string | undefined;
}

interface Parked {
  readonly response: ServerResponse;
  readonly plan: Plan;
  /** With what it may do now. */
  caller: Caller;
  /** The newest revision that is known to have nothing new for it. */
  index: number;
  /** Of the body that was there when it came. */
  readonly digest: string | undefined;
  readonly group: Group;
  timer: WheelTimer | undefined;
  /** Ends listening to changes of what the caller may do. */
  unfollow: (() => void) | undefined;
  /** Ends waiting for the client to close its side. */
  forgetEnd: (() => void) | undefined;
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

/** About 5 ms of answers between two turns of the event loop. */
const sliceMax = 256;

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
    const parked: Parked = {
      response,
      plan,
      caller,
      index,
      digest: digest(plan, caller),
      group,
      timer: undefined,
      unfollow: undefined,
      forgetEnd: undefined,
    };
    if (acl.enabled) parked.unfollow = acl.onChange(caller, () => this.#reconsider(parked));
    group.members.add(parked);
    onSize(++this.#size);
    parked.timer = wheel.schedule(waitMs * (1 + random() * jitterShare), () => this.#answer(parked));
    response.once('close', () => this.#remove(parked));
    // Most such clients are gone and will never read it, but one that is not gets the answer of its last request.
    parked.forgetEnd = onClientEnd(response.req.socket, () => this.#answer(parked));
  }

  /** Answers everybody with what is there now. */
  flush(): void {
    for (const group of [...this.#groups.values()]) {
      for (const parked of [...group.members]) this.#answer(parked);
    }
  }

  /** What the caller may do has changed; it may still be enough. */
  #reconsider(parked: Parked): void {
    const { acl, demand, refuse } = this.#options;
    try {
      parked.caller = acl.refresh(parked.caller);
      demand(parked.plan, parked.caller);
    } catch (error) {
      if (this.#remove(parked)) refuse(parked.response, parked.plan, parked.caller, error);
    }
  }

  #groupOf(plan: Plan): Group {
    const { query } = plan;
    // Answers of several views watch their own set of views, which only the same query shares.
    const key = query.others === undefined ? query.view : `${query.view}\0${query.name}`;
    const known = this.#groups.get(key);
    if (known !== undefined) return known;
    const group: Group = { key, plan, members: new Set(), unwatch: [], waking: false };
    this.#groups.set(key, group);
    this.#watch(group);
    return group;
  }

  #watch(group: Group): void {
    const { state, views } = this.#options.registry;
    for (const unwatch of group.unwatch.splice(0)) unwatch();
    const { query } = group.plan;
    for (const view of [query.view, ...(query.others?.(state) ?? [])]) {
      group.unwatch.push(views.watch(view, () => this.#wake(group)));
    }
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
        if (parked.index >= revision) continue;
        if (answered++ === sliceMax) {
          this.#schedule();
          return;
        }
        if (parked.digest !== undefined && parked.digest === this.#options.digest(parked.plan, parked.caller)) {
          parked.index = revision;
        } else this.#answer(parked);
      }
      this.#waking.shift();
      group.waking = false;
      // The set of views may have changed with the state.
      if (group.members.size > 0 && group.plan.query.others !== undefined) this.#watch(group);
    }
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
