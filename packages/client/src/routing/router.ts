/**
 * The router of one service: divides its instances into groups, each with its own picker, and
 * decides for each request which group it goes to.
 *
 *     instances ─► select ─► canary or not ─► subset ─► priority level ─► zone ─► Picker
 *
 * Without options there is one group, and the router adds nothing to a pick. Shares follow the number of ready
 * instances, so ejections move load to other zones and levels, too.
 */

import { hash32, identityOf, type Instance } from '@rollcall/protocol';
import type { Outcome } from '../balancer/balancer.ts';
import { PickCounts } from './pick-counts.ts';
import type { Picker } from './picker.ts';
import { bitsRange, type RandomSource } from '../balancer/seeded-random.ts';
import type { Endpoint } from '../endpoint.ts';
import { type ExplainedGroup, type ExplainedRouting, explainRouting } from './explain-routing.ts';
import type { Reason } from './reason.ts';
import type { Canary, HeaderReader } from './canary.ts';
import type { LoadReport } from '../load-report/load-report.ts';
import type { LoadSpill, SpillListener } from './load-spill.ts';
import { levelShares } from './priority.ts';
import type { RoutingOptions } from './routing-options.ts';
import { type Place, RoutingRules } from './routing-rules.ts';
import { ZoneLoad } from './zone-load.ts';
import { spillMaker } from './zone-options.ts';
import { defaultZoneSizeMin, zoneShares } from './zones.ts';

/** The part that requests use: it returns endpoints, and accepts the outcomes of requests. */
export interface EndpointChooser {
  /**
   * The endpoint for the next request; undefined when there is no endpoint outside `exclude`.
   * @param key requests with equal keys go to the same endpoint, as long as shares do not change and the
   *   balancer hashes
   * @param header of the request, for routing by header
   * @param mayLeave whether an endpoint of the other side of a canary will do when the request's own side has none; true by default
   */
  pick(now: number, exclude?: readonly Endpoint[], key?: string, header?: HeaderReader, mayLeave?: boolean): Endpoint | undefined;
  observe(endpoint: Endpoint, outcome: Outcome): void;
}

/** One picker, and its present share of its side's requests. */
interface Group extends Place {
  readonly picker: Picker;
  readonly load: ZoneLoad;
  /** Exists for the caller's own zone when loads decide how much leaves it. */
  readonly spill: LoadSpill | undefined;
  share: number;
}

/** How often shares follow the loads, in milliseconds. */
const spillPeriodMs = 500;

const none: readonly Endpoint[] = [];

/** Seed of a hash of keys that differs from the hashes of balancers and of the canary. */
const groupSeed = 0x9e0c95;

export class Router implements EndpointChooser {
  /** What became of the requests, for reports to the registry. */
  readonly counts = new PickCounts();
  readonly #makePicker: () => Picker;
  readonly #random: RandomSource;
  readonly #onSpill: SpillListener;
  #rules: RoutingRules;
  #canary: Canary | undefined;
  #ordinal: number;
  #groups: Group[] = [];
  #byName = new Map<string, Group>();
  /** The group, if there is only one: then requests need no decision. */
  #single: Group | undefined;
  /** The picker of each endpoint, including endpoints that left, whose answers may still come. */
  readonly #homes = new WeakMap<Endpoint, Group>();
  #instances: readonly Instance[] = [];
  /** Sum of the pickers' change counters when the shares were computed. */
  #changes = -1;
  /** When loads decide, shares are computed again at this time, even if pickers did not change. */
  #nextSpill = Infinity;
  #makeSpill: (() => LoadSpill) | undefined;

  /**
   * @param onSpill called with the share that leaves the own zone when loads decide
   * @throws RegistryError `invalid_argument` for an option that is unknown or out of its range
   */
  constructor(options: RoutingOptions, makePicker: () => Picker, random: RandomSource, onSpill: SpillListener = () => {}) {
    this.#makePicker = makePicker;
    this.#random = random;
    this.#onSpill = onSpill;
    this.#rules = new RoutingRules(options, random);
    this.#canary = this.#rules.canary;
    this.#makeSpill = options.zone && spillMaker(options.zone, onSpill);
    this.#ordinal = options.subset?.ordinal ?? random.bits();
  }

  /**
   * Goes by other options from now on. Groups that stay keep their pickers, and instances that move to another group keep their endpoints.
   * @param change of the picker of each group, before it gets its list
   * @returns the endpoints that left
   * @throws RegistryError `invalid_argument` for an option that is unknown or out of its range; then nothing has changed
   */
  configure(options: RoutingOptions, now: number, change: (picker: Picker) => void = () => {}): readonly Endpoint[] {
    const rules = new RoutingRules(options, this.#random);
    const makeSpill = options.zone && spillMaker(options.zone, this.#onSpill);
    for (const { picker } of this.#groups) change(picker);
    this.#rules = rules;
    this.#canary = rules.canary;
    this.#makeSpill = makeSpill;
    this.#ordinal = options.subset?.ordinal ?? this.#ordinal;
    return this.update(this.#instances, now);
  }

  /** Whether the registry should lease an ordinal for `useOrdinal`. */
  get wantsOrdinal(): boolean {
    return this.#rules.wantsOrdinal;
  }

  /** Chooses the subset of this ordinal from now on. @returns the endpoints that left */
  useOrdinal(ordinal: number, now: number): readonly Endpoint[] {
    if (ordinal === this.#ordinal) return none;
    this.#ordinal = ordinal;
    return this.update(this.#instances, now);
  }

  /** The instances of a list to which requests may go: those that are selected and in the subset. */
  used(instances: readonly Instance[]): readonly Instance[] {
    return this.#rules.used(instances, this.#ordinal);
  }

  /** Takes over a newer list. @returns the endpoints that left */
  update(instances: readonly Instance[], now: number): readonly Endpoint[] {
    this.#instances = instances;
    const { weigh } = this.#rules;
    const lists = new Map<string, { readonly at: Place; readonly members: Instance[] }>();
    for (const instance of this.used(instances)) {
      const at = this.#rules.placeOf(instance);
      const name = `${at.canary}\n${at.level}\n${at.zone}`;
      const member = weigh === undefined ? instance : weigh(instance);
      const list = lists.get(name);
      if (list === undefined) lists.set(name, { at, members: [member] });
      else list.members.push(member);
    }
    // An instance may move to another group only when there is another one.
    const mayMove = lists.size !== 1 || this.#byName.size !== 1 || !this.#byName.has([...lists.keys()][0] as string);
    const before = mayMove ? this.#endpoints() : undefined;
    const removed: Endpoint[] = [];
    for (const [name, { picker }] of this.#byName) if (!lists.has(name)) removed.push(...picker.update([], now));
    const byName = new Map<string, Group>();
    for (const [name, { at, members }] of lists) {
      const group = this.#byName.get(name) ?? this.#makeGroup(at);
      const { picker } = group;
      removed.push(...picker.update(members, now, before));
      picker.any((endpoint) => (this.#homes.set(endpoint, group), false));
      byName.set(name, group);
    }
    this.#byName = byName;
    this.#groups = [...byName.values()].sort((a, b) => a.level - b.level);
    this.#single = this.#groups.length === 1 ? this.#groups[0] : undefined;
    this.#changes = -1;
    if (!mayMove) return removed;
    const present = this.#endpoints();
    return removed.filter((endpoint) => present.get(identityOf(endpoint.instance)) !== endpoint);
  }

  /** Of all groups, by the identity of their instance. */
  #endpoints(): ReadonlyMap<string, Endpoint> {
    return new Map([...this.#byName.values()].flatMap(({ picker }) => [...picker.endpoints]));
  }

  pick(now: number, exclude: readonly Endpoint[] = none, key?: string, header?: HeaderReader, mayLeave = true): Endpoint | undefined {
    if (this.#single !== undefined) return this.#single.picker.pick(now, exclude, key);
    this.#refreshShares(now);
    const canary = this.#sideOf(exclude) ?? this.#canary?.wants(header, key) ?? false;
    const drawn = key === undefined ? this.#random.bits() / bitsRange : pointOf(key);
    const chosen = mayLeave ? this.#groupFor(drawn, canary, shareAsMade) : this.#groupAt(drawn, canary, shareAsMade);
    let endpoint = chosen?.picker.pick(now, exclude, key);
    // An endpoint of another group is better than none for a request that was tried here.
    for (let side = 0; endpoint === undefined && side < (mayLeave ? 2 : 1); side++) {
      for (const group of this.#groups) {
        if (group === chosen || (group.canary === canary) !== (side === 0)) continue;
        endpoint = group.picker.pick(now, exclude, key);
        if (endpoint !== undefined) break;
      }
    }
    return endpoint;
  }

  /** Whether a request that was tried here belongs to the canary: it keeps its side. Undefined before its first try. */
  #sideOf([first]: readonly Endpoint[]): boolean | undefined {
    return first === undefined ? undefined : this.#homes.get(first)?.canary;
  }

  /** An endpoint that `allows` accepts, independent of shares and balancers. O(endpoints). */
  any(allows: (endpoint: Endpoint) => boolean): Endpoint | undefined {
    for (const { picker } of this.#groups) {
      const endpoint = picker.any(allows);
      if (endpoint !== undefined) return endpoint;
    }
    return undefined;
  }

  /**
   * The state that a pick at `now` would use; it changes nothing. Shares that follow loads are those of the
   * last pick.
   */
  explain(now: number, key?: string, header?: HeaderReader): ExplainedRouting {
    const pickers = new Map(this.#groups.map((group) => [group, group.picker.explain(now, key)]));
    const asMade = this.#makeSpill !== undefined && this.#changes !== -1;
    const shares = asMade ? undefined : this.#sharesOf((group) => pickers.get(group)?.ready ?? 0);
    const shareOf = (group: Group) => (group === this.#single ? 1 : (shares === undefined ? group.share : (shares.get(group) ?? 0)));
    const canaryChance = this.#canary?.shareOf(header, key) ?? 0;
    /** Part of the requests of one side that go to the group. */
    const partOf = (group: Group, canary: boolean): number => {
      if (key !== undefined) return group === this.#groupFor(pointOf(key), canary, shareOf) ? 1 : 0;
      const isNone = (other: Group) => other.canary !== canary || shareOf(other) === 0;
      return group.canary === canary || this.#groups.every(isNone) ? shareOf(group) : 0;
    };
    const groups = this.#groups.map((group): ExplainedGroup => {
      const chance = canaryChance * partOf(group, true) + (1 - canaryChance) * partOf(group, false);
      const { canary, level, zone, load: { inFlight, utilization }, spill } = group;
      const reported = Number.isNaN(inFlight) ? undefined : { inFlight, utilization };
      const picker = pickers.get(group) ?? group.picker.explain(now, key);
      return { canary, level, zone, picker, share: shareOf(group), chance, reported, spillsByLoad: spill?.byLoad };
    });
    return explainRouting(groups, this.#unused(), canaryChance, key !== undefined);
  }

  #unused(): ReadonlyMap<Instance, Reason> {
    const used = new Set(this.used(this.#instances));
    const unused = this.#instances.filter((instance) => !used.has(instance));
    return new Map(unused.map((instance) => [instance, { kind: this.#rules.selects(instance) ? 'subset' : 'selector' }]));
  }

  observe(endpoint: Endpoint, outcome: Outcome): void {
    this.counts.observe(outcome.result, outcome.latencyMs);
    if (this.#single !== undefined) return this.#single.picker.observe(endpoint, outcome);
    const group = this.#homes.get(endpoint);
    if (group === undefined) return;
    group.picker.observe(endpoint, outcome);
    if (outcome.load !== undefined && this.#makeSpill !== undefined) group.load.hear(outcome.now, outcome.load);
  }

  /** Takes the load that a probed endpoint reported, as of `now`. */
  hear(endpoint: Endpoint, load: LoadReport, now: number): void {
    if (this.#makeSpill !== undefined) this.#homes.get(endpoint)?.load.hear(now, load);
  }

  #makeGroup(at: Place): Group {
    const spill = at.zone === this.#rules.options.zone?.own ? this.#makeSpill?.() : undefined;
    return { ...at, picker: this.#makePicker(), load: new ZoneLoad(), spill, share: 0 };
  }

  /** The group for the drawn point: on that side, or on the other when that one has no group. */
  #groupFor(drawn: number, canary: boolean, shareOf: (group: Group) => number): Group | undefined {
    return this.#groupAt(drawn, canary, shareOf) ?? this.#groupAt(drawn, !canary, shareOf);
  }

  /** The group of that side whose part of the range 0 to 1 contains the drawn point. */
  #groupAt(drawn: number, canary: boolean, shareOf: (group: Group) => number): Group | undefined {
    let left = drawn;
    let last: Group | undefined;
    for (const group of this.#groups) {
      const share = shareOf(group);
      if (group.canary !== canary || share === 0) continue;
      last = group;
      left -= share;
      if (left < 0) break;
    }
    return last;
  }

  #refreshShares(now: number): void {
    let changes = 0;
    for (const { picker } of this.#groups) {
      picker.settle(now);
      changes += picker.changes;
    }
    if (changes === this.#changes && now < this.#nextSpill) return;
    this.#changes = changes;
    if (this.#makeSpill !== undefined) this.#nextSpill = now + spillPeriodMs;
    const shares = this.#sharesOf(readyAsMade, now);
    for (const group of this.#groups) group.share = shares.get(group) ?? 0;
  }

  /**
   * @param readyOf number of ready instances of a group
   * @param spillAt the time, when shares follow loads
   */
  #sharesOf(readyOf: (group: Group) => number, spillAt?: number): ReadonlyMap<Group, number> {
    const shares = new Map<Group, number>();
    for (const canary of [false, true]) {
      const side = this.#groups.filter((group) => group.canary === canary);
      const levels = [...new Set(side.map(({ level }) => level))].map((level) => side.filter((group) => group.level === level));
      this.#shareOut(levels, readyOf, spillAt).forEach((share, group) => shares.set(group, share));
    }
    return shares;
  }

  #shareOut(levels: readonly (readonly Group[])[], readyOf: (group: Group) => number, spillAt: number | undefined): ReadonlyMap<Group, number> {
    const shares = new Map<Group, number>();
    const count = (groups: readonly Group[], of: (group: Group) => number) => groups.reduce((sum, group) => sum + of(group), 0);
    const health = levels.map((groups) => ({ healthy: count(groups, readyOf), total: count(groups, ({ picker }) => picker.size) }));
    levelShares(health, this.#rules.options.priority?.overprovisioning).forEach((share, index) => {
      const groups = levels[index] as readonly Group[];
      const ofZones = this.#zoneShares(groups, readyOf, spillAt);
      for (const group of groups) shares.set(group, share * (ofZones.get(group.zone) ?? 0));
    });
    return shares;
  }

  #zoneShares(groups: readonly Group[], readyOf: (group: Group) => number, spillAt: number | undefined): ReadonlyMap<string, number> {
    const { zone } = this.#rules.options;
    const ready = new Map(groups.map((group) => [group.zone, readyOf(group)]));
    const total = [...ready.values()].reduce((sum, count) => sum + count, 0);
    // When no endpoint is ready, pickers fail open, and all groups are equal.
    if (total === 0) return zoneShares(undefined, new Map(groups.map(({ zone: name, picker }) => [name, picker.size])));
    const near = zone !== undefined && total >= (zone.sizeMin ?? defaultZoneSizeMin);
    const shares = zoneShares(near ? zone.own : undefined, ready, near ? zone.callers : undefined);
    if (!near || spillAt === undefined) return shares;
    return groups.find(({ spill }) => spill !== undefined)?.spill?.shares(spillAt, groups, shares) ?? shares;
  }
}

const shareAsMade = ({ share }: Group) => share;
const readyAsMade = ({ picker }: Group) => picker.ready;

/** The point of a key, from 0 to 1: the same at each caller. */
function pointOf(key: string): number {
  return (hash32(key, groupSeed) >>> 0) / 2 ** 32;
}
