/**
 * Decides by the load reports of the zones' instances how much of a caller's traffic leaves its zone, and where
 * it goes. It follows Envoy's `load_aware_locality`
 * (https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/load_balancing/load_aware_locality):
 * all requests stay while the own zone's headroom is at most a threshold below that of the others; the rest is divided
 * by instances × headroom, and a small share of requests keeps the reports of other zones fresh.
 *
 * One thing differs. Envoy divides all traffic by headroom as soon as the threshold is passed, and returns all of it
 * when it is not, so that the own zone gets hot again. Here the share that leaves follows the distance beyond the
 * threshold: one part at once (it damps), one that grows and falls with time (it finds the share at which it is 0).
 */

import { checkRange } from '../option-check.ts';
import type { SpillByLoadOptions } from './routing-options.ts';
import type { ZoneLoad } from './zone-load.ts';

/** The traffic that now leaves the own zone. */
export interface SpillChange {
  readonly zone: string;
  /** Share of the requests that leave it, from 0 to 1, including probes. */
  readonly share: number;
  /** The measure that decides the share. */
  readonly by: 'load' | 'instances';
}

export type SpillListener = (change: SpillChange) => void;

/** State of one zone. */
export interface SpillZone {
  readonly zone: string;
  readonly load: ZoneLoad;
  readonly picker: { readonly ready: number };
}

/**
 * How far the share that stays moves in a second, for each unit beyond the threshold. Twice this value oscillates in the
 * simulation (`bench/sim/scenarios/zones.mjs`) at 0.9 of the load; with half of it, traffic takes longer to return.
 */
const gainPerSecond = 0.1;

/** Time constant, in seconds, for dividing the leaving traffic: all callers see the same free zone at the same time. */
const divisionSeconds = 1;

/** Longest time, in seconds, that one step covers, so that a pause in requests causes no jump. */
const pauseSecondsMax = 1;

/** Smaller changes are not reported. */
const toldStep = 0.05;

export class LoadSpill {
  readonly #own: string;
  readonly #threshold: number;
  readonly #probeShare: number;
  readonly #onSpill: SpillListener;
  /** The share that would stay if the difference equalled the threshold; undefined while numbers of instances decide. */
  #kept: number | undefined;
  /** Division of the traffic that leaves: parts of 1 by zone. */
  #division: ReadonlyMap<string, number> = new Map();
  #at = 0;
  /** The share at the last report; undefined when the number of instances decided then. */
  #told: number | undefined;

  /** @throws RegistryError `invalid_argument` for an option out of its range */
  constructor(own: string, { threshold = 0.2, probeShare = 0.03 }: SpillByLoadOptions, onSpill: SpillListener = () => {}) {
    checkRange(threshold >= 0 && threshold < 1, 'spillByLoad.threshold', threshold, 'from 0 up to, but not including, 1');
    checkRange(probeShare > 0 && probeShare <= 0.5, 'spillByLoad.probeShare', probeShare, 'more than 0, up to 0.5');
    this.#own = own;
    this.#threshold = threshold;
    this.#probeShare = probeShare;
    this.#onSpill = onSpill;
  }

  /** Whether reports decide; otherwise the number of instances does. */
  get byLoad(): boolean {
    return this.#kept !== undefined;
  }

  /**
   * The shares from now on. O(zones).
   * @param now milliseconds, on the clock of picks
   * @param zones the zones of one level, each once
   * @param byInstances the shares by the number of instances: the start, and the shares without fresh reports
   * @returns shares by zone that add up to 1
   */
  shares(now: number, zones: readonly SpillZone[], byInstances: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
    const shares = this.#next(now, zones, byInstances);
    this.#tell(1 - (shares.get(this.#own) ?? 0));
    return shares;
  }

  #next(now: number, zones: readonly SpillZone[], byInstances: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
    const own = zones.find(({ zone, picker }) => zone === this.#own && picker.ready > 0);
    const others = zones.filter(({ zone, picker }) => zone !== this.#own && picker.ready > 0);
    const fresh = others.filter(({ load }) => load.isFresh(now));
    const isOwnKnown = own?.load.isFresh(now) ?? false;
    const known = own !== undefined && isOwnKnown && isComparable([own, ...fresh]) ? fresh : [];
    if (own !== undefined && isOwnKnown && known.length > 0) return this.#addProbes(this.#step(now, own, known, byInstances), others);
    this.#kept = undefined;
    // Servers that never report are not probed.
    const kept = byInstances.get(this.#own) ?? 0;
    const isHeard = own !== undefined && (isOwnKnown || fresh.length > 0);
    if (!isHeard || others.length === 0 || 1 - kept >= this.#probeShare) return byInstances;
    return this.#addProbes(new Map([[this.#own, 1 - this.#probeShare]]), others);
  }

  /** @returns shares that do not contain the probes yet */
  #step(now: number, own: SpillZone, known: readonly SpillZone[], byInstances: ReadonlyMap<string, number>): Map<string, number> {
    const compared = [own, ...known];
    const byUtilization = compared.every(({ load }) => load.utilization !== undefined);
    const byInFlight = compared.every(({ load }) => load.hasInFlight);
    const headroomOf = (load: ZoneLoad) => load.headroom(byUtilization, byInFlight);
    const isFirst = this.#kept === undefined;
    const seconds = isFirst ? 0 : Math.min(pauseSecondsMax, Math.max(0, now - this.#at) / 1000);
    const division = this.#divide(known, headroomOf, isFirst ? 1 : 1 - Math.exp(-seconds / divisionSeconds));
    // The average headroom that a request finds in the other zones.
    const there = sum(known.map(({ zone, load }) => (division.get(zone) ?? 0) * headroomOf(load)));
    const beyond = Math.max(-1, 1 - headroomOf(own.load) / there - this.#threshold);
    const keptMax = 1 - this.#probeShare;
    const kept = (this.#kept ?? byInstances.get(this.#own) ?? 0) - gainPerSecond * seconds * beyond;
    this.#kept = Math.min(keptMax, Math.max(this.#probeShare, kept));
    this.#division = division;
    this.#at = now;
    // At least as much as other zones' probes, so that reports of the own zone arrive, too.
    const stays = Math.max(this.#probeShare, this.#kept * (1 - Math.max(0, beyond)));
    const shares = new Map([[this.#own, stays]]);
    for (const [zone, part] of division) shares.set(zone, (keptMax - stays) * part);
    return shares;
  }

  /** @param towards part of the way to the shares that are due now, from 0 to 1 */
  #divide(known: readonly SpillZone[], headroomOf: (load: ZoneLoad) => number, towards: number): ReadonlyMap<string, number> {
    const free = known.map(({ load, picker }) => picker.ready * headroomOf(load));
    const freeTotal = sum(free);
    const parts = known.map(({ zone }, index) => {
      const due = (free[index] as number) / freeTotal;
      const before = this.#division.get(zone) ?? due;
      return before + (due - before) * towards;
    });
    const total = sum(parts);
    return new Map(known.map(({ zone }, index) => [zone, (parts[index] as number) / total]));
  }

  /** By the number of instances and not by headroom, so that reports of each zone arrive. */
  #addProbes(shares: Map<string, number>, others: readonly SpillZone[]): ReadonlyMap<string, number> {
    const total = sum(others.map(({ picker }) => picker.ready));
    for (const { zone, picker } of others) shares.set(zone, (shares.get(zone) ?? 0) + (this.#probeShare * picker.ready) / total);
    return shares;
  }

  #tell(share: number): void {
    const told = this.#told;
    if (this.byLoad === (told !== undefined)) {
      if (told === undefined) return;
      const home = this.#probeShare + 0.001;
      const isHome = share <= home && told > home;
      if (Math.abs(share - told) < toldStep && !isHome) return;
    }
    this.#told = this.byLoad ? share : undefined;
    this.#onSpill({ zone: this.#own, share, by: this.byLoad ? 'load' : 'instances' });
  }
}

/** Whether all report a common measure. Rollcall's servers report requests in flight; others maybe only utilisation. */
function isComparable(zones: readonly SpillZone[]): boolean {
  return zones.every(({ load }) => load.hasInFlight) || zones.every(({ load }) => load.utilization !== undefined);
}

function sum(values: readonly number[]): number {
  let all = 0;
  for (const value of values) all += value;
  return all;
}
