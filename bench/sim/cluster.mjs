/**
 * A discrete-event simulation of clients and servers on a virtual clock. It drives the shipped code: each
 * client has a `Picker` around the balancer, or a `Router` where zones count, each server a `LoadMeter`. Nothing here chooses
 * an endpoint or estimates a load. Requests arrive open loop (Poisson), independent of their results: a
 * closed loop waits for slow servers and so hides them.
 * How a server works off its requests is in `shared-server.mjs`.
 *
 * A request takes no time on the network; a probe takes half a millisecond there and back, and costs
 * the server nothing. The same seed gives the same arrivals and the same work for every policy.
 */

import { SeededRandom } from '@rollcall/client';
import { Picker } from '../../packages/client/dist/routing/picker.js';
import { Router } from '../../packages/client/dist/routing/router.js';
import { SharedServer } from './shared-server.mjs';

const probeOneWayMs = 0.25;
const sampleRifMs = 50;

/**
 * @typedef {object} Model
 * @property {number} servers
 * @property {number} clients
 * @property {number} perSecond requests of all clients together
 * @property {number} deadlineMs after this time the client gives up and the server stops
 * @property {number} seconds requests that arrive later are not counted
 * @property {number} warmUpSeconds requests that arrive before are not counted
 * @property {(random: SeededRandom) => number} work milliseconds of one core at speed 1
 * @property {(server: number, random: SeededRandom) => { cores: number, speed: number }} host at the start
 * @property {{ everyMs: number, cores(random: SeededRandom, server: number, before: number): number }} [flicker] new number of cores, each server at its own moment
 * @property {{ everyMs: number, run(cluster: Cluster): void }} [control] the work outside of requests
 * @property {(work: number, server: number, now: number) => number} [workAt] work as it is at one server
 * @property {(server: number, now: number) => boolean} [fails] fails at once, within a millisecond
 * @property {(client: number) => number} [joinsAt] milliseconds; a client sends nothing before
 * @property {{ ofServer(server: number): string, ofClient(client: number): string }} [zones]
 *
 * @typedef {object} Policy
 * @property {(probing: import('@rollcall/client').Probing) => import('@rollcall/client').BalancerFactory} balancer
 * @property {boolean} [reports] whether answers carry load reports
 * @property {boolean} [utilization] whether these have the share of its cores that a server uses
 * @property {(zone: string) => import('@rollcall/client').RoutingOptions} [routing] of the clients in a zone
 * @property {object} [ejection] options of the picker; the defaults unless given
 * @property {() => { everyMs: number, run(cluster: Cluster): void }} [control] the part that sets weights, new for each run
 */

/** Runs one simulation. @returns the results of the requests that arrived after the warm-up */
export async function simulate(model, policy, seed) {
  const cluster = new Cluster(model, policy, seed);
  await cluster.run();
  return cluster.result();
}

export class Cluster {
  now = 0;
  requests = 0;
  errors = 0;
  probes = 0;
  /** Requests in flight that count. */
  counted = 0;

  constructor(model, policy, seed) {
    this.model = model;
    this.arrivals = new SeededRandom(seed);
    this.works = new SeededRandom(seed + 0x5eed);
    this.hosts = new SeededRandom(seed + 0xcafe);
    const clock = { monotonic: () => this.now };
    this.servers = Array.from({ length: model.servers }, (_, index) => new SharedServer(model.host(index, this.hosts), clock, policy.utilization));
    this.nextEnds = new Float64Array(model.servers).fill(Infinity);
    this.instances = this.servers.map((_, index) => instance(index, 1, model.zones?.ofServer(index)));
    const probing = { probe: (endpoint) => this.probe(endpoint), clock };
    this.pickers = Array.from({ length: model.clients }, (_, client) => {
      const random = new SeededRandom(seed * 1009 + client);
      const make = () => new Picker(policy.balancer(probing), policy.ejection ?? {}, random);
      const routing = policy.routing?.(model.zones.ofClient(client));
      const picker = routing === undefined ? make() : new Router(routing, make, random);
      picker.update(this.instances, 0);
      return picker;
    });
    this.reports = policy.reports ?? false;
    this.controls = [policy.control?.(), model.control].filter((control) => control !== undefined).map((control) => ({ ...control, next: control.everyMs }));
    this.deadlines = new Queue();
    this.asked = new Queue();
    this.answered = new Queue();
    this.latencies = [];
    this.startedAt = [];
    this.rifs = [];
    this.shares = new Float64Array(model.servers);
    /** Counted requests that went to another zone than their client's. */
    this.crossed = 0;
  }

  async run() {
    const { seconds, perSecond, flicker, servers, clients } = this.model;
    const end = seconds * 1000;
    let arrival = this.exponential(perSecond);
    let flickers = flicker === undefined ? Infinity : flicker.everyMs / servers;
    let flickering = 0;
    let sample = this.model.warmUpSeconds * 1000;
    for (;;) {
      let server = 0;
      let soonest = Infinity;
      for (let index = 0; index < servers; index++) {
        if (this.nextEnds[index] < soonest) soonest = this.nextEnds[(server = index)];
      }
      const control = this.controls.reduce((first, one) => (first === undefined || one.next < first.next ? one : first), undefined);
      const next = Math.min(arrival, soonest, this.deadlines.time, this.asked.time, this.answered.time, flickers, control?.next ?? Infinity, sample);
      // Load continues until the counted requests have ended: a request that still waits at the end has waited longest.
      if (next >= end && this.counted === 0) break;
      this.now = next;
      if (next === soonest) this.finish(server);
      else if (next === this.answered.time) {
        const { resolve, report } = this.answered.take();
        resolve(report);
        // The balancer gets the answer in a microtask, at the same virtual time.
        await Promise.resolve();
      } else if (next === this.asked.time) {
        const probe = this.asked.take();
        probe.report = this.servers[probe.server].meter.report();
        this.answered.put(next + probeOneWayMs, probe);
      } else if (next === this.deadlines.time) this.expire(this.deadlines.take());
      else if (next === arrival) {
        this.arrive(Math.floor(this.arrivals.fraction() * clients));
        arrival = next + this.exponential(perSecond);
      } else if (next === flickers) {
        this.setCores(flickering, flicker.cores(this.hosts, flickering, this.servers[flickering].cores));
        flickering = (flickering + 1) % servers;
        flickers += flicker.everyMs / servers;
      } else if (next === control?.next) {
        control.run(this);
        control.next += control.everyMs;
      } else {
        for (const { count } of this.servers) this.rifs.push(count);
        sample += sampleRifMs;
      }
    }
  }

  arrive(client) {
    const { joinsAt, fails, workAt, deadlineMs } = this.model;
    const work = this.model.work(this.works);
    if (joinsAt !== undefined && joinsAt(client) > this.now) return;
    const picker = this.pickers[client];
    const endpoint = picker.pick(this.now);
    const at = endpoint.instance.port;
    const server = this.servers[at];
    endpoint.inFlight += 1;
    this.shares[at] += 1;
    server.advance(this.now);
    const failing = fails?.(at, this.now) ?? false;
    const counts = this.now >= this.model.warmUpSeconds * 1000 && this.now < this.model.seconds * 1000;
    if (counts) this.counted += 1;
    const { zones } = this.model;
    if (counts && zones !== undefined && zones.ofServer(at) !== zones.ofClient(client)) this.crossed += 1;
    const job = { server: at, counts, picker, endpoint, startedAt: this.now, metered: server.meter.begin(), doneAt: 0, live: true, failing };
    server.add(job, failing ? Math.min(work, 1) : (workAt?.(work, at, this.now) ?? work));
    this.nextEnds[at] = server.nextEnd();
    this.deadlines.put(this.now + deadlineMs, job);
  }

  finish(at) {
    const server = this.servers[at];
    server.advance(this.now);
    const job = server.take();
    this.nextEnds[at] = server.nextEnd();
    const load = this.reports ? server.meter.reportWithAnswer() : undefined;
    const result = job.failing ? 'failed' : 'ok';
    job.metered.end(result);
    this.end(job, result, load);
  }

  expire(job) {
    if (!job.live) return;
    const server = this.servers[job.server];
    server.advance(this.now);
    server.abandon(job);
    this.nextEnds[job.server] = server.nextEnd();
    job.metered.end('cancelled');
    this.end(job, 'failed', undefined);
  }

  end({ picker, endpoint, startedAt, counts }, result, load) {
    endpoint.inFlight -= 1;
    const latencyMs = this.now - startedAt;
    picker.observe(endpoint, { now: this.now, latencyMs, result, load });
    if (!counts) return;
    this.counted -= 1;
    this.requests += 1;
    if (result !== 'ok') this.errors += 1;
    this.latencies.push(latencyMs);
    this.startedAt.push(startedAt);
  }

  probe(endpoint) {
    this.probes += 1;
    return new Promise((resolve) => this.asked.put(this.now + probeOneWayMs, { server: endpoint.instance.port, resolve, report: undefined }));
  }

  setCores(at, cores) {
    const server = this.servers[at];
    server.advance(this.now);
    server.cores = cores;
    this.nextEnds[at] = server.nextEnd();
  }

  setSpeed(at, speed) {
    const server = this.servers[at];
    server.advance(this.now);
    server.speed = speed;
    this.nextEnds[at] = server.nextEnd();
  }

  /** The registry's data about instances, which all clients get at once. */
  setInstances(instances) {
    this.instances = instances;
    for (const picker of this.pickers) picker.update(instances, this.now);
  }

  exponential(perSecond) {
    return (-Math.log(1 - this.arrivals.fraction()) * 1000) / perSecond;
  }

  result() {
    const { requests, errors, probes, shares } = this;
    const between = (from, to) => this.latencies.filter((_, index) => this.startedAt[index] >= from && this.startedAt[index] < to);
    const all = Float64Array.from(this.latencies).sort();
    return {
      ...summary(all),
      requests,
      errors: errors / requests,
      /** Share of requests that went to another zone. */
      crossed: this.crossed / requests,
      probesPerRequest: probes / shares.reduce((sum, share) => sum + share, 0),
      rif99: at(Float64Array.from(this.rifs).sort(), 0.99),
      /** Share of requests answered within this many milliseconds. */
      within: (ms) => all.findLastIndex((latency) => latency <= ms) / (all.length - 1),
      /** Of those that arrived in a part of the time, in milliseconds. */
      between: (from, to) => summary(Float64Array.from(between(from, to)).sort()),
      shareOf: (server) => shares[server] / shares.reduce((sum, share) => sum + share, 0),
    };
  }
}

const summary = (sorted) => ({ p50: at(sorted, 0.5), p90: at(sorted, 0.9), p99: at(sorted, 0.99), p999: at(sorted, 0.999) });

/** Nearest rank. */
function at(sorted, share) {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** Events with the same delay run in the order in which they were added. */
class Queue {
  #items = [];
  #times = [];
  #head = 0;

  get time() {
    return this.#head < this.#times.length ? this.#times[this.#head] : Infinity;
  }

  put(time, item) {
    this.#times.push(time);
    this.#items.push(item);
  }

  take() {
    const item = this.#items[this.#head];
    this.#items[this.#head++] = undefined;
    if (this.#head > 4096 && this.#head * 2 > this.#times.length) {
      this.#times.splice(0, this.#head);
      this.#items.splice(0, this.#head);
      this.#head = 0;
    }
    return item;
  }
}

export function instance(port, weight = 1, zone) {
  const meta = zone === undefined ? {} : { zone };
  return { id: `web-${port}`, service: 'web', node: 'n', address: '10.0.0.1', port, tags: [], meta, weight, status: 'passing' };
}
