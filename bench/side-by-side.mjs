/**
 * Servers that are measured in turn on the same core, each with the same tasks: what every such bench needs to start them, to ask its load for them, and to
 * collect the rows of its report. It knows no protocol.
 */

import { writeFileSync } from 'node:fs';
import { cpuSeconds } from './cpu-time.mjs';
import { median, withSpread } from './statistics.mjs';
import { targetReport } from './target-report.mjs';

export class SideBySide {
  #servers;
  #rounds;
  /** Names of the servers; the first is Rollcall. */
  names;
  rows = [];
  /** The servers that are measured, by name; each has a `pid` and `stop`. */
  running = {};

  /** @param servers how each is started, by its name in the report: resolves when a client has an answer */
  constructor(servers, { rounds }) {
    this.#servers = servers;
    this.#rounds = rounds;
    this.names = Object.keys(servers);
  }

  /** @param measured the text of each server by its name @param met whether Rollcall reaches the target */
  say(what, target, measured, met) {
    this.rows.push({ what, target, measured, met });
    process.stderr.write(`${what}: ${this.names.map((name) => `${name} ${measured[name]}`).join('; ')}\n`);
  }

  /** Calls for each server, in turn. @returns the results by name */
  async ofEach(measure) {
    const results = {};
    for (const name of this.names) results[name] = await measure(name);
    return results;
  }

  texts(values, show) {
    return Object.fromEntries(this.names.map((name) => [name, show(values[name])]));
  }

  /** A row with the times of starts, and then the servers are running. @param limitMs target for Rollcall; none by default */
  async start(what, limitMs) {
    const starts = Object.fromEntries(this.names.map((name) => [name, []]));
    for (let round = 0; round < this.#rounds; round++) {
      for (const name of this.names) {
        const from = performance.now();
        const server = await this.#servers[name]();
        starts[name].push(performance.now() - from);
        await server.stop();
      }
    }
    const measured = this.texts(starts, (each) => `${withSpread(each, 0)} ms`);
    if (limitMs === undefined) this.say(what, '', measured);
    else this.say(what, `≤ ${limitMs / 1_000} s`, measured, median(starts.Rollcall) <= limitMs);
    this.running = await this.ofEach((name) => this.#servers[name]());
  }

  /** A row with rates and CPU time of the server for each request. @param load answers a task with `done`, `perSecond` and, of large answers, their `size` in bytes */
  async rates(load, what, task) {
    const measured = Object.fromEntries(this.names.map((name) => [name, { rates: [], micros: [], size: 0 }]));
    for (let round = 0; round < this.#rounds; round++) {
      for (const side of this.names) {
        const { pid } = this.running[side];
        const cpu = cpuSeconds(pid);
        const { done, perSecond, size = 0 } = await load.ask({ ...task, side });
        measured[side].rates.push(perSecond);
        measured[side].micros.push(((cpuSeconds(pid) - cpu) / done) * 1e6);
        measured[side].size = size;
      }
    }
    const show = (each) => `${withSpread(each.rates, 0)} a second, ${median(each.micros).toFixed(0)} µs of CPU time each${each.size === 0 ? '' : `, ${(each.size / 1_000).toFixed(0)} kB`}`;
    this.say(what, '', this.texts(measured, show));
  }

  async stop() {
    for (const server of Object.values(this.running)) await server.stop();
  }

  /** Prints the report, and writes it unless there is no file. A missed target is the exit code 1. @param options more of `targetReport` @param file a URL */
  report(options, file) {
    const text = targetReport({ ...options, rows: this.rows, columns: this.names });
    console.log(text);
    if (file !== undefined) writeFileSync(file, text);
    if (this.rows.some(({ met }) => met === false)) process.exitCode = 1;
  }
}
