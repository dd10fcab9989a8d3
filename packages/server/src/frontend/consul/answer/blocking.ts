/**
 * Blocking queries: requests that wait until the revision of their view is newer than the one that the client
 * knows (https://developer.hashicorp.com/consul/api-docs/features/blocking).
 *
 *   group   one per view; watches it once, for all requests that wait
 *     └─ parked   a response, the index that the client knows, its timeout on the wheel
 *
 * A request may wait as long as its token is valid. When the token expires or its permissions change, they are checked
 * again in the same turn, and a request without permission is refused. The answer shows the rows that the caller may read then.
 *
 * A waiting request costs little: no promise, no copy of the request, and requests for the same URL share one query. The
 * requests that a change wakes are answered in slices, so that ten thousand of them do not delay heartbeats.
 */

import type { ServerResponse } from 'node:http';
import type { Wheel, WheelTimer } from '../../../health/wheel.ts';
import { onClientEnd } from '../../../net/client-end.ts';
import type { Registry } from '../../../registry/registry.ts';
import type { Acl, Caller } from '../../../security/acl.ts';
import { unidentified } from '../request/authenticator.ts';
import type { Wait } from '../wire/params.ts';
import type { ParkedQuery } from './parked-clients.ts';
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
  /** Answers with the present content. */
  readonly answer: (response: ServerResponse, plan: Plan, caller: Caller) => void;
  /** @throws RegistryError when the caller has no permission for the answer, or has lost it */
  readonly authorize: (plan: Plan, caller: Caller) => void;
  /** Refuses a request whose caller has lost the permission. */
  readonly refuse: (response: ServerResponse, plan: Plan, caller: Caller, error: unknown) => void;
  /**
   * Computes a digest of the present body of a filtered plan. Calls `ready` with it and its revision, now or later; with
   * undefined if bodies cannot be compared, so that any change of the views counts.
   */
  readonly digest: (
    response: ServerResponse,
    plan: Plan,
    caller: Caller,
    ready: (digest: string | undefined, revision: number) => void,
  ) => void;
  /** Whether this turn of the event loop has used up its slice. */
  readonly spent: () => boolean;
}

interface Parked {
  readonly response: ServerResponse;
  readonly plan: Plan;
  /** With its present permissions. */
  caller: Caller;
  /** The newest revision up to which the answer is known to be unchanged. */
  index: number;
  /** For a filtered query: digests of the body that the client knows and of the newest one. */
  readonly content: Content | undefined;
  readonly group: Group;
  timer: WheelTimer | undefined;
  /** Stops listening to changes of the permissions of the caller. */
  unfollow: (() => void) | undefined;
  /** Stops waiting for the client to close its side. */
  forgetEnd: (() => void) | undefined;
}

interface Content {
  /** The digest of the body when the request came; undefined when any change counts. */
  known: string | undefined;
  /** The digest of a body is on its way. */
  comparing: boolean;
  /** The newest digest, for the next slice of answers. */
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

/** Consul adds up to a sixteenth of the time, so that clients that started together spread out. */
const jitterShare = 1 / 16;

/** About 5 ms of answers that are encoded already, between two turns of the event loop. */
const sliceMax = 256;
/** At least this many are answered in every turn, so that other requests cannot delay them without limit. */
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

  /** Number of waiting requests. */
  get size(): number {
    return this.#size;
  }

  get full(): boolean {
    return this.#size >= this.#options.parkedMax;
  }

  /** The requests that wait. */
  *parked(): Generator<ParkedQuery, void, undefined> {
    for (const { members } of this.#groups.values()) yield* members;
  }

  /** Parks a request until its view has a newer revision, its time is over, or its client disconnects. */
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
    // The caller of an open route has no token, so its permissions cannot change.
    if (acl.enabled && caller !== unidentified) parked.unfollow = acl.onChange(caller, () => this.#reconsider(parked));
    group.members.add(parked);
    onSize(++this.#size);
    parked.timer = wheel.schedule(waitMs * (1 + random() * jitterShare), () => this.#answer(parked));
    response.once('close', () => this.#remove(parked));
    // Most such clients have disconnected; a client that only closed its sending side still reads the answer.
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

  /** Checks the permissions of the caller again after a change. */
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

  /** Called within the batch that changed the view, so it only notes the group. */
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

  /** Whether to answer the client. While the digest is not known yet the result is false, and the group is woken again later. */
  #hasChanged(parked: Parked, content: Content): boolean {
    if (content.known === undefined || this.#differs(parked, content)) return true;
    // A change since the body that was compared has to be compared, too.
    if (parked.index >= parked.plan.revision(this.#options.registry)) return false;
    this.#compare(parked, content);
    return this.#differs(parked, content);
  }

  /** Whether the body of the newest digest is another than the client knows; false while there is no digest. */
  #differs(parked: Parked, content: Content): boolean {
    const { found, known } = content;
    if (found === undefined) return false;
    content.found = undefined;
    if (found.digest !== known) return true;
    parked.index = Math.max(parked.index, found.revision);
    return false;
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
