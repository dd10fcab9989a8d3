/** Members of a group as processes: starts them, notes what each prints, asks them, kills them. */

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';

const program = fileURLToPath(new URL('member.mjs', import.meta.url));

/** Pause between two rounds of questions, in milliseconds. */
const askMs = 100;

export class Fleet {
  /** @param wrap makes the command of a member, so that it runs in a namespace */
  constructor({ wrap = (_name, command) => command, options = {} } = {}) {
    this.wrap = wrap;
    this.options = options;
    this.members = new Map();
    /** What each member said of others: { at, by, name, state }. */
    this.seen = [];
    this.warnings = [];
  }

  /** Resolves when it listens. */
  async start(name, options = {}) {
    const [command, ...args] = this.wrap(name, [process.execPath, program, JSON.stringify({ name, ...this.options, ...options })]);
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    // Commands to a process that has just died.
    child.stdin.on('error', () => {});
    const member = { name, child, isLive: true, address: undefined, onReport: () => {} };
    this.members.set(name, member);
    const opened = new Promise((resolve, reject) => {
      child.once('exit', (code, signal) => {
        // Otherwise a test that goes on would take the end for a death that the group should find.
        if (member.isLive) this.warnings.push(`${name} ended by itself with ${code ?? signal}`);
        member.isLive = false;
        reject(new Error(`${name} ended with ${code ?? signal}`));
      });
      createInterface({ input: child.stdout }).on('line', (line) => {
        const event = JSON.parse(line);
        if (event.kind === 'open') {
          member.address = event.address;
          resolve(member);
        } else if (event.kind === 'member') this.seen.push({ at: event.at, by: name, name: event.name, state: event.state });
        else if (event.kind === 'report') member.onReport(event);
        else if (event.kind === 'warning') this.warnings.push(`${name}: ${event.message}`);
      });
    });
    return await opened;
  }

  get live() {
    return [...this.members.values()].filter(({ isLive }) => isLive);
  }

  tell(name, command) {
    this.members.get(name).child.stdin.write(`${JSON.stringify(command)}\n`);
  }

  /** Kills a process without a goodbye. @returns the wall clock then */
  kill(name) {
    const member = this.members.get(name);
    member.isLive = false;
    member.child.kill('SIGKILL');
    return Date.now();
  }

  /** What a member knows now; undefined if it does not say so in time. */
  async report(name) {
    const member = this.members.get(name);
    const answer = new Promise((resolve) => (member.onReport = resolve));
    this.tell(name, { do: 'report' });
    return await Promise.race([answer, sleep(10_000, undefined, { ref: false })]);
  }

  /** What live members say of each other that is not so, up to some examples. */
  async disagreements() {
    const live = this.live.map(({ name }) => name);
    const found = [];
    for (const { name, states, instances } of await Promise.all(live.map(async (name) => ({ name, ...(await this.report(name)) })))) {
      if (states === undefined) found.push(`${name} says nothing`);
      else {
        const living = Object.keys(states).filter((each) => states[each] === 'alive' || states[each] === 'suspect');
        for (const other of live) if (!living.includes(other)) found.push(`${name} says that ${other} is ${states[other]}`);
        for (const other of living) if (!live.includes(other)) found.push(`${name} says that ${other} lives`);
        for (const other of live) if (!instances.includes(other)) found.push(`${name} does not see the instance of ${other}`);
        for (const id of instances) if (!live.includes(id)) found.push(`${name} sees the instance of ${id}`);
      }
    }
    return found;
  }

  /** Waits until all live members agree. @returns the time it took in milliseconds */
  async agreed(mostMs) {
    const started = performance.now();
    for (;;) {
      const found = await this.disagreements();
      const took = performance.now() - started;
      if (found.length === 0) return took;
      if (took > mostMs) throw new Error(`no agreement after ${Math.round(took)} ms, ${found.length} differences: ${found.slice(0, 8).join('; ')}`);
      await sleep(askMs);
    }
  }

  /** Waits until each live member said that this one is `state`. @returns the times since `since` in milliseconds, in order */
  async known(name, state, since, mostMs) {
    const end = Date.now() + mostMs;
    for (;;) {
      const times = this.live.map((member) => this.seen.find(({ at, by, name: of, state: is }) => by === member.name && of === name && is === state && at >= since)?.at);
      if (!times.includes(undefined)) return times.map((at) => at - since).sort((a, b) => a - b);
      if (Date.now() > end) throw new Error(`${times.filter((at) => at === undefined).length} members have not said within ${mostMs} ms that ${name} is ${state}`);
      await sleep(20);
    }
  }

  /** Deaths that members said since then of members that live. */
  falseDeaths(since) {
    const live = new Set(this.live.map(({ name }) => name));
    return this.seen.filter(({ at, by, name, state }) => at >= since && state === 'dead' && live.has(name) && live.has(by));
  }

  stop() {
    for (const member of this.members.values()) {
      member.isLive = false;
      member.child.kill('SIGKILL');
    }
  }
}
