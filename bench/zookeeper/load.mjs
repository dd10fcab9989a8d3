/** The clients of a measurement, in a process of their own: JSON lines on stdin tell it what to do, and on stdout what came of it. */

import { createInterface } from 'node:readline';
import { nanoseconds } from '../processes.mjs';
import { Client, requests } from './client.mjs';

/** The port of each server: `node load.mjs '{"Rollcall": 2181, …}'`. */
const ports = JSON.parse(process.argv[2]);
const sides = Object.fromEntries(Object.keys(ports).map((name) => [name, { watchers: [], sessions: [], writer: undefined, runs: 0 }]));

const tasks = {
  /** Creates znodes of 100 bytes, ephemeral ones when told to, for `ms`. */
  create({ side, connections, ms, ephemeral = false }) {
    const data = Buffer.alloc(100, 'x');
    const run = sides[side].runs++;
    return closedLoop(side, { connections, ms }, async (client, own) => {
      if (own.at === 0) await expectOk(client.ask(requests.create(`/run-${run}-${own.index}`, data)));
      await expectOk(client.ask(requests.create(`/run-${run}-${own.index}/${own.at}`, data, ephemeral ? 1 : 0)));
    });
  },

  /** Reads, or writes, znodes of 1 kB for `ms`: each connection one of its own. */
  access({ side, connections, ms, what }) {
    const data = Buffer.alloc(1_024, 'x');
    const run = sides[side].runs++;
    return closedLoop(side, { connections, ms }, async (client, own) => {
      const path = `/run-${run}-${own.index}`;
      if (own.at === 0) await expectOk(client.ask(requests.create(path, data)));
      await expectOk(client.ask(what === 'get' ? requests.getData(path) : requests.setData(path, data)));
    });
  },

  /** Multis of so many operations for `ms`: sets of the same znodes of 100 bytes, or creates of new ones. */
  multi({ side, connections, ms, what, operations }) {
    const data = Buffer.alloc(100, 'x');
    const run = sides[side].runs++;
    const all = (each) => requests.multi(Array.from({ length: operations }, (_, at) => each(at)));
    return closedLoop(side, { connections, ms }, async (client, own) => {
      const parent = `/run-${run}-${own.index}`;
      if (own.at === 0) {
        await expectOk(client.ask(requests.create(parent, data)));
        await expectOk(client.ask(all((at) => requests.create(`${parent}/${at}`, data))));
      }
      await expectOk(client.ask(all((at) => (what === 'set' ? requests.setData(`${parent}/${at}`, data) : requests.create(`${parent}/${own.at + 1}-${at}`, data)))));
    });
  },

  /** Opens `count` sessions with a watch each on one znode. */
  async watch({ side, count }) {
    const at = sides[side];
    at.writer = await Client.open(ports[side]);
    await expectOk(at.writer.ask(requests.create('/watched', Buffer.alloc(100))));
    await inGroups(count, 50, async () => {
      const client = await Client.open(ports[side]);
      await expectOk(client.ask(requests.getData('/watched', true)));
      at.watchers.push(client);
    });
    return {};
  },

  /** Writes the znode once, waits until all watchers know it, and sets the watches again. @returns milliseconds for each of them */
  async change({ side }) {
    const { watchers, writer } = sides[side];
    const times = [];
    const all = Promise.all(watchers.map((client) => new Promise((done) => (client.onNotification = (at) => done(times.push(at))))));
    const from = nanoseconds();
    await expectOk(writer.ask(requests.setData('/watched', Buffer.alloc(100))));
    const answered = nanoseconds();
    await all;
    await Promise.all(watchers.map((client) => expectOk(client.ask(requests.getData('/watched', true)))));
    return { times: times.map((at) => Number(at - from) / 1e6), answer: Number(answered - from) / 1e6 };
  },

  async endWatch({ side }) {
    const { watchers, writer } = sides[side];
    await Promise.all([writer, ...watchers.splice(0)].map((client) => client.close()));
    return {};
  },

  /** Opens `count` sessions that do nothing. @returns milliseconds until all were open */
  async sessions({ side, count }) {
    const from = performance.now();
    await inGroups(count, 100, async () => void sides[side].sessions.push(await Client.open(ports[side], 40_000)));
    return { ms: performance.now() - from };
  },

  /** Each session sends one ping. @returns how many pings were answered, and in which time */
  async ping({ side }) {
    const { sessions } = sides[side];
    const from = performance.now();
    await inGroups(sessions.length, 200, (at) => sessions[at].ping());
    return { done: sessions.length, ms: performance.now() - from };
  },

  async endSessions({ side }) {
    const from = performance.now();
    await Promise.all(sides[side].sessions.splice(0).map((client) => client.close()));
    return { ms: performance.now() - from };
  },
};

async function closedLoop(side, { connections, ms }, step) {
  const clients = await Promise.all(Array.from({ length: connections }, () => Client.open(ports[side])));
  let done = 0;
  const until = performance.now() + ms;
  await Promise.all(clients.map(async (client, index) => {
    for (const own = { index, at: 0 }; performance.now() < until; own.at++) {
      await step(client, own);
      done++;
    }
  }));
  await Promise.all(clients.map((client) => client.close()));
  return { done, perSecond: (done / ms) * 1_000 };
}

/** @param together how many at one time */
async function inGroups(count, together, each) {
  for (let at = 0; at < count; at += together) {
    await Promise.all(Array.from({ length: Math.min(together, count - at) }, (_, more) => each(at + more)));
  }
}

async function expectOk(answer) {
  const err = await answer;
  if (err !== 0) throw new Error(`the server answered with error ${err}`);
}

for await (const line of createInterface({ input: process.stdin })) {
  const { task, ...parameters } = JSON.parse(line);
  process.stdout.write(`${JSON.stringify(await tasks[task](parameters))}\n`);
}
