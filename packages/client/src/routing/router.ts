/**
 * The router of one service: divides its instances into groups, each with its own picker, and
 * decides for each request which group it goes to.
 *
 *     instances ─► select ─► canary or not ─► subset ─► priority level ─► zone ─► Picker
 *
 * Without options there is one group, and the router adds nothing to a pick. Shares follow the number of ready
 * instances, so ejections move load to other zones and levels, too.
 */

import { hash32, type Instance } from '@rollcall/protocol';
import type { Outcome } from '../balancer/balancer.ts';
import type { Picker } from './picker.ts';
import { bitsRange, type RandomSource } from '../balancer/seeded-random.ts';
import { checkRange, checkWhole } from '../option-check.ts';
import { type Endpoint, identityOf } from '../endpoint.ts';
import { type ExplainedGroup, type ExplainedRouting, explainRouting } from './explain-routing.ts';
import type { Reason } from './reason.ts';
import { Canary, type HeaderReader } from './canary.ts';
import type { LoadReport } from '../load-report/load-report.ts';
import type { LoadSpill, SpillListener } from './load-spill.ts';
import { levelShares } from './priority.ts';
import { checkRoutingOptions, type RoutingOptions } from './routing-options.ts';
import { instancePredicate } from './selector.ts';
import { subsetOf } from './subset.ts';
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
   */
  pick(now: number, exclude?: readonly Endpoint[], key?: string, header?: HeaderReader): Endpoint | undefined;
  observe(endpoint: Endpoint, outcome: Outcome): void;
}

/** One picker, and its present share of its side's requests. */
interface Group {
  readonly canary: boolean;
  readonly level: number;
  readonly zone: string;
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
  readonly #options: RoutingOptions;
  readonly #makePicker: () => Picker;
  readonly #random: RandomSource;
  readonly #canary: Canary | undefined;
  readonly #selects: (instance: Instance) => boolean;
  readonly #isCanary: (instance: Instance) => boolean;
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
  readonly #makeSpill: (() => LoadSpill) | undefined;

  /**
   * @param onSpill called with the share that leaves the own zone when loads decide
   * @throws RegistryError `invalid_argument` for an option that is unknown or out of its range
   */
  constructor(options: RoutingOptions, makePicker: () => Picker, random: RandomSource, onSpill: SpillListener = () => {}) {
    checkRoutingOptions(options);
    const { select = {}, subset, canary, priority, zone } = options;
    this.#makeSpill = zone && spillMaker(zone, onSpill);
    checkWhole(subset?.size, 1, 'subset.size');
    checkWhole(subset?.ordinal, 0, 'subset.ordinal');
    const { overprovisioning = 1 } = priority ?? {};
    checkRange(overprovisioning >= 1, 'priority.overprovisioning', overprovisioning, '1 or more');
    this.#options = options;
    this.#makePicker = makePicker;
    this.#random = random;
    this.#selects = instancePredicate(select, 'routing.select');
    this.#canary = canary && new Canary(canary, random);
    this.#isCanary = canary === undefined ? () => false : instancePredicate(canary.select, 'routing.canary.select');
    this.#ordinal = subset?.ordinal ?? random.bits();
  }

  /** Whether the registry should lease an ordinal for `useOrdinal`. */
  get wantsOrdinal(): boolean {
    return this.#options.subset !== undefined && this.#options.subset.ordinal === undefined;
  }

  /** Chooses the subset of this ordinal from now on. @returns the endpoints that left */
  useOrdinal(ordinal: number, now: number): readonly Endpoint[] {
    if (ordinal === this.#ordinal) return none;
    this.#ordinal = ordinal;
    return this.update(this.#instances, now);
  }

  /** The instances of a list to which requests may go: those that are selected and in the subset. */
  used(instances: readonly Instance[]): readonly Instance[] {
    const selected = instances.filter(this.#selects);
    if (this.#canary === undefined) return this.#subset(selected);
    const isNone = (instance: Instance) => !this.#isCanary(instance);
    // The canary has a separate subset: a subset of all instances might contain no canary.
    return [...this.#subset(selected.filter(isNone)), ...this.#subset(selected.filter(this.#isCanary))];
  }

  /** Takes over a newer list. @returns the endpoints that left */
  update(instances: readonly Instance[], now: number): readonly Endpoint[] {
    this.#instances = instances;
    const lists = new Map<string, { readonly at: Pick<Group, 'canary' | 'level' | 'zone'>; readonly members: Instance[] }>();
    for (const instance of this.used(instances)) {
      const at = this.#placeOf(instance);
      const name = `${at.canary}\n${at.level}\n${at.zone}`;
      const list = lists.get(name);
      if (list === undefined) lists.set(name, { at, members: [instance] });
      else list.members.push(instance);
    }
    const removed: Endpoint[] = [];
    for (const [name, { picker }] of this.#byName) if (!lists.has(name)) removed.push(...picker.update([], now));
    const byName = new Map<string, Group>();
    for (const [name, { at, members }] of lists) {
      const group = this.#byName.get(name) ?? this.#makeGroup(at);
      const { picker } = group;
      removed.push(...picker.update(members, now));
      picker.any((endpoint) => (this.#homes.set(endpoint, group), false));
      byName.set(name, group);
    }
    this.#byName = byName;
    this.#groups = [...byName.values()].sort((a, b) => a.level - b.level);
    this.#single = this.#groups.length === 1 ? this.#groups[0] : undefined;
    this.#changes = -1;
    return removed;
  }

  pick(now: number, exclude: readonly Endpoint[] = none, key?: string, header?: HeaderReader): Endpoint | undefined {
    if (this.#single !== undefined) return this.#single.picker.pick(now, exclude, key);
    this.#refreshShares(now);
    const canary = this.#canary?.wants(header, key) ?? false;
    const drawn = key === undefined ? this.#random.bits() / bitsRange : pointOf(key);
    const chosen = this.#groupFor(drawn, canary, shareAsMade);
    let endpoint = chosen?.picker.pick(now, exclude, key);
    // An endpoint of another group is better than none for a request that was tried here.
    for (let side = 0; endpoint === undefined && side < 2; side++) {
      for (const group of this.#groups) {
        if (group === chosen || (group.canary === canary) !== (side === 0)) continue;
        endpoint = group.picker.pick(now, exclude, key);
        if (endpoint !== undefined) break;
      }
    }
    return endpoint;
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
    return new Map(unused.map((instance) => [instance, { kind: this.#selects(instance) ? 'subset' : 'selector' }]));
  }

  observe(endpoint: Endpoint, outcome: Outcome): void {
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

  #makeGroup(at: Pick<Group, 'canary' | 'level' | 'zone'>): Group {
    const spill = at.zone === this.#options.zone?.own ? this.#makeSpill?.() : undefined;
    return { ...at, picker: this.#makePicker(), load: new ZoneLoad(), spill, share: 0 };
  }

  #subset(instances: readonly Instance[]): readonly Instance[] {
    const { subset } = this.#options;
    if (subset === undefined) return instances;
    return subsetOf(instances.map(identityOf), this.#ordinal, subset.size).map((index) => instances[index] as Instance);
  }

  #placeOf(instance: Instance): Pick<Group, 'canary' | 'level' | 'zone'> {
    const { priority, zone } = this.#options;
    return {
      canary: this.#isCanary(instance),
      level: priority === undefined ? 0 : numberOf((priority.levelOf ?? levelInMeta)(instance)),
      zone: zone === undefined ? '' : (zone.zoneOf ?? zoneOfInstance)(instance),
    };
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
    levelShares(health, this.#options.priority?.overprovisioning).forEach((share, index) => {
      const groups = levels[index] as readonly Group[];
      const ofZones = this.#zoneShares(groups, readyOf, spillAt);
      for (const group of groups) shares.set(group, share * (ofZones.get(group.zone) ?? 0));
    });
    return shares;
  }

  #zoneShares(groups: readonly Group[], readyOf: (group: Group) => number, spillAt: number | undefined): ReadonlyMap<string, number> {
    const { zone } = this.#options;
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

function levelInMeta({ meta }: Instance): number {
  return Number(meta['priority'] ?? 0);
}

function numberOf(level: number): number {
  return Number.isFinite(level) ? level : 0;
}

function zoneOfInstance({ zone, meta }: Instance): string {
  return zone ?? meta['zone'] ?? '';
}
