/**
 * The load that clients report on the zones of services, of all nodes: the port through which the front end that hears the reports adds them and
 * asks for those of the others. It is in memory; a report is old after some seconds.
 */

/** Requests under way to one zone of a service. */
export interface ZoneLoad {
  readonly namespace: string;
  readonly service: string;
  readonly region: string;
  readonly zone: string;
  readonly inProgress: number;
}

export interface ReportedLoads {
  /** Of each zone to which clients have requests under way, one entry or several. */
  readonly loads: readonly ZoneLoad[];
  /** Ids of the nodes that hear reports, whether they have heard any or not. */
  readonly hearers: readonly string[];
  /** Nodes that have not answered. */
  readonly missing: readonly string[];
}

/** Zones of which one node tells the others, some megabytes: of more, the rest count as not loaded. */
const loadsMax = 20_000;

export class ZoneLoads {
  readonly #nodeId: string;
  #heard: (() => Iterable<ZoneLoad>) | undefined;
  #all: () => Promise<ReportedLoads>;

  /** @param nodeId that of this process among the members of the store */
  constructor(nodeId: string) {
    this.#nodeId = nodeId;
    this.#all = () => Promise.resolve(this.own());
  }

  /** Id of this process. */
  get nodeId(): string {
    return this.#nodeId;
  }

  /** Tells that this node hears reports from now on. @param heard is read whenever they are asked for */
  hear(heard: () => Iterable<ZoneLoad>): void {
    this.#heard = heard;
  }

  /** Tells how all nodes are asked; until then this node is the only one. */
  askAll(all: () => Promise<ReportedLoads>): void {
    this.#all = all;
  }

  /** What all nodes have heard. */
  all(): Promise<ReportedLoads> {
    return this.#all();
  }

  /** What this node has heard. */
  own(): ReportedLoads {
    if (this.#heard === undefined) return { loads: [], hearers: [], missing: [] };
    const loads: ZoneLoad[] = [];
    for (const load of this.#heard()) {
      if (loads.length === loadsMax) break;
      loads.push(load);
    }
    return { loads, hearers: [this.#nodeId], missing: [] };
  }
}
