/**
 * Which part of its weight each zone of a service keeps, by the requests that clients report to have under way there. Traffic moves away
 * from a loaded zone in small steps, and comes back in small steps. Zones are compared within their region. Pure.
 *
 * The free part of an instance with f requests under way is 1 ÷ (1 + f), as in the client of Rollcall (`routing/zone-load.ts` there, and
 * docs/decisions/0036): a zone whose free part is less than that of the best zone by more than a fifth keeps the ratio of both.
 */

export interface ZoneState {
  readonly region: string;
  readonly zone: string;
  /** Sum of the weights of its instances that get traffic. */
  readonly weight: number;
  /** How many get traffic. */
  readonly ready: number;
  /** Requests under way, as clients report them. */
  readonly inProgress: number;
}

/** Differences up to a fifth are chance. */
const tolerance = 1.2;
/** With fewer requests under way for each instance a zone is not loaded: one request more would move traffic. */
const loadMin = 1;
/** A zone keeps this part at least, so that clients go on reporting how it does. */
const leastFactor = 0.03;
/** Largest change of one step. */
const stepMax = 0.1;
/** A report is one moment: each step takes over half of what is new. */
const damping = 0.5;

interface Zone {
  /** Mean requests under way for each instance of mean weight; undefined before the first report. */
  readonly load: number | undefined;
  factor: number;
}

/** A zone that keeps less than all. */
export interface ZonePart {
  readonly region: string;
  readonly zone: string;
  /** In hundredths, 1 to 99. */
  readonly percent: number;
}

export class ZoneFactors {
  #zones: ReadonlyMap<string, Zone>;

  /** @param parts that zones keep at first; the others keep all */
  constructor(parts: readonly ZonePart[] = []) {
    this.#zones = new Map(parts.map(({ region, zone, percent }) => [keyOf(region, zone), { load: undefined, factor: percent / 100 }]));
  }

  /** The zones that keep less than all, in order. */
  get parts(): readonly ZonePart[] {
    const parts: ZonePart[] = [];
    for (const key of [...this.#zones.keys()].sort()) {
      const end = key.indexOf('\0');
      const [region, zone] = [key.slice(0, end), key.slice(end + 1)];
      const percent = Math.round(this.of(region, zone) * 100);
      if (percent < 100) parts.push({ region, zone, percent });
    }
    return parts;
  }

  /** From `leastFactor` to 1, in hundredths; 1 for a zone that is not known. */
  of(region: string, zone: string): number {
    return Math.round((this.#zones.get(keyOf(region, zone))?.factor ?? 1) * 100) / 100;
  }

  /**
   * Takes over what clients have reported since the last step, and forgets zones that do not exist any more.
   * @returns whether the factor of any zone has changed
   */
  step(states: readonly ZoneState[]): boolean {
    const before = this.#zones;
    const zones = new Map<string, Zone & { readonly load: number }>();
    this.#zones = zones;
    const bestLoads = new Map<string, number>();
    for (const state of states) {
      if (state.ready === 0) continue;
      const key = keyOf(state.region, state.zone);
      const { load, factor } = before.get(key) ?? { load: 0, factor: 1 };
      const newest = loadOf(state, states);
      // One that begins with a part of its weight has been loaded before: its first report counts in full.
      const zone = { load: load === undefined ? newest : load + damping * (newest - load), factor };
      zones.set(key, zone);
      bestLoads.set(state.region, Math.min(bestLoads.get(state.region) ?? Infinity, zone.load));
    }
    let hasChanged = false;
    for (const { region, zone } of states) {
      const known = zones.get(keyOf(region, zone));
      if (known === undefined) continue;
      const old = this.of(region, zone);
      const distance = wanted(known.load, bestLoads.get(region) ?? 0) - known.factor;
      known.factor += Math.abs(distance) < 0.01 ? distance : Math.max(-stepMax, Math.min(stepMax, distance * damping));
      if (this.of(region, zone) !== old) hasChanged = true;
    }
    return hasChanged;
  }
}

function wanted(load: number, bestLoad: number): number {
  if (load < loadMin) return 1;
  return Math.max(leastFactor, Math.min(1, (tolerance * (1 + bestLoad)) / (1 + load)));
}

/** An instance with twice the weight may have twice the requests. */
function loadOf({ region, weight, inProgress }: ZoneState, states: readonly ZoneState[]): number {
  let [weights, instances] = [0, 0];
  for (const other of states) {
    if (other.region !== region) continue;
    weights += other.weight;
    instances += other.ready;
  }
  return (inProgress * weights) / (instances * weight);
}

function keyOf(region: string, zone: string): string {
  return `${region}\0${zone}`;
}
