/**
 * What a transaction of some commands is on the way to etcd and back. The registry's own `decideBatch` decides it on a small state and says
 * how many of the commands fit; the engine's own encoder writes it. A transaction of the same commands is computed once.
 *
 * etcd's answers carry some fields that the engine does not read (versions, an answer to each put); they are left out, and so is HTTP/2.
 */

import { decideBatch } from '../../packages/server/dist/registry/batch.js';
import { State } from '../../packages/server/dist/registry/state.js';
import { checkKey } from '../../packages/server/dist/registry/kind/catalog/keys.js';
import { sessionKey } from '../../packages/server/dist/registry/kind/session/keys.js';
import { Eras } from '../../packages/server/dist/engine/etcd/eras.js';
import { Keys } from '../../packages/server/dist/engine/etcd/keys.js';
import { limitsBelow } from '../../packages/server/dist/engine/etcd/open.js';
import { read, requestOf } from '../../packages/server/dist/engine/etcd/transaction.js';
import { methods } from '../../packages/server/dist/engine/etcd/wire.js';
import { machineName } from './fleet.mjs';
import { instanceInput } from './wire.mjs';

const keys = new Keys('rollcall');
export const limits = limitsBelow(keys);
/** Before each message of gRPC. */
const prefixBytes = 5;

/** Commands that are looked at for one transaction: more never fit. */
export const lookMax = 128;

const namespace = 'team-12';
const nodeId = 'node-17';
const machines = lookMax + 1;
const perMachine = 10;
const service = (machine, at) => `service-${String((machine * 7 + at) % 400).padStart(5, '0')}`;
const session = (machine) => `9f3b1c52-4a0e-4d0b-9c53-${String(machine).padStart(12, '0')}`;
const lost = (machine) => `5d9cbf0f-4a0e-4d0b-9c53-${String(machine).padStart(12, '0')}`;
const otherNodeId = 'node-18';
const etcdRevision = 123_456_789;
const header = { cluster_id: 1_234_567_890_123_456, revision: etcdRevision };

const ttlCheck = (at) => ({ id: `ttl:i${at}`, name: 'TTL', status: 'passing', output: '', instance: `i${at}`, type: 'ttl', definition: { ttlMs: 30_000 } });
const streamCheck = (at) => ({ id: `stream:i${at}`, name: 'Rollcall stream', status: 'passing', output: 'stream open', instance: `i${at}`, type: 'stream' });

function register(machine, at, more, check) {
  return {
    kind: 'register', namespace, node: { name: machineName(machine), address: '10.11.12.13' }, nodeMode: 'ensure',
    instances: [{ ...instanceInput(at, service(machine, at)), ...more }], checks: [check],
  };
}

const opened = (machine, id) => ({
  kind: 'session-create', namespace, id, name: 'app', node: machineName(machine), liveness: 'stream', ttlMs: 10_000, lockDelayMs: 0,
  behavior: 'release', checks: [], holder: nodeId, foreign: { stream: { tokenSha256: '5'.repeat(64) } },
});

class Template {
  state = new State();
  #revision = 1_000_000;

  constructor() {
    for (const id of [nodeId, otherNodeId]) {
      this.run({ kind: 'member-join', nodeId: id, name: id, address: `http://${id}.rollcall.internal:8500`, version: '0.1.0' });
    }
    this.run({ kind: 'namespace-put', name: namespace });
    for (let machine = 0; machine < machines; machine++) {

      // Machines of even thousands have TTL checks; a session that is open; one whose connection is lost.
      for (let at = 0; at < perMachine; at++) this.run(register(machine, machine * 100 + at, {}, ttlCheck(machine * 100 + at)));
      for (const [kind, id] of [['open', session(machine)], ['lost', lost(machine)]]) {
        const node = machine + (kind === 'open' ? 1_000 : 2_000);
        this.run({ kind: 'register', namespace, node: { name: machineName(node), address: '10.11.12.13' }, nodeMode: 'ensure' });
        this.run(opened(node, id));
        for (let at = 0; at < perMachine; at++) this.run(register(node, node * 100 + at, { session: id }, streamCheck(node * 100 + at)));
        if (kind === 'lost') this.run({ kind: 'session-connected', namespace, id, holder: nodeId, connected: false, epoch: this.epochOf(id) });
      }

    }
  }

  epochOf(id) {
    return this.state.get(sessionKey(namespace, id))?.epoch ?? 0;
  }

  run(command) {
    for (let next = command; next !== undefined; ) {
      const { writes, outcomesAt } = decideBatch(this.state, [next], 0, { guarded: true, nodeId });
      if (writes !== undefined) this.state.apply({ revision: ++this.#revision, put: writes.put, delete: writes.delete }, writes);
      const [outcome] = outcomesAt(this.#revision);
      if (outcome.error !== undefined) throw outcome.error;
      next = outcome.next;
    }
  }

  judged(key) {
    return { key, revision: this.state.get(key)?.modified ?? 0, by: { nodeId, epoch: 1 } };
  }
}

/** What the nodes commit, each as the n-th command of its kind on a machine of its own. */
const commands = {
  registerTtl: (template, nth) => register(nth, nth * 100 + 50, {}, ttlCheck(nth * 100 + 50)),
  registerStream: (template, nth) => register(nth + 1_000, (nth + 1_000) * 100 + 50, { session: session(nth) }, streamCheck((nth + 1_000) * 100 + 50)),
  deregister: (template, nth) => ({ kind: 'deregister-instance', namespace, node: machineName(nth), id: `i${nth * 100}` }),
  deregisterStream: (template, nth) => ({ kind: 'deregister-instance', namespace, node: machineName(nth + 1_000), id: `i${(nth + 1_000) * 100}` }),
  lose: (template, nth) => ({ kind: 'session-connected', namespace, id: session(nth), holder: nodeId, connected: false, epoch: template.epochOf(session(nth)) }),
  connect: (template, nth) => ({ kind: 'session-connected', namespace, id: lost(nth), holder: nodeId, connected: true, after: template.epochOf(lost(nth)) }),
  move: (template, nth) => ({ kind: 'session-connected', namespace, id: session(nth), holder: otherNodeId, connected: true, after: template.epochOf(session(nth)) }),
  destroy: (template, nth) => ({ kind: 'session-destroy', namespace, id: lost(nth), judged: template.judged(sessionKey(namespace, lost(nth))) }),
  claim: (template, nth) => ({ kind: 'claim', nodeId: otherNodeId, epoch: 2, keys: [checkKey(namespace, machineName(nth), `ttl:i${nth * 100}`)] }),
  expire: (template, nth) => {
    const [node, id] = [machineName(nth), `ttl:i${nth * 100}`];
    return { kind: 'update-checks', updates: [{ namespace, node, id, status: 'critical', output: 'TTL expired', judged: template.judged(checkKey(namespace, node, id)) }] };
  },
};

export const commandKinds = Object.keys(commands);

/**
 * @typedef {object} Committed
 * @property {number} done how many of the commands it holds
 * @property {number} rows that it puts or deletes
 * @property {number} requestBytes
 * @property {number} answerBytes
 * @property {number} watchBytes of what each node of the store is told
 */

export class Store {
  #template = new Template();
  #known = new Map();

  /** The first transaction of a queue. @param {readonly number[]} queue numbers of kinds, as in `commandKinds` @returns {Committed} */
  next(queue) {
    for (let length = Math.min(queue.length, lookMax); ; ) {
      const committed = this.#of(queue, length);
      if (committed.done >= length) return committed;
      length = committed.done;
    }
  }

  #of(queue, length) {
    const counts = new Uint16Array(commandKinds.length);
    for (let at = 0; at < length; at++) counts[queue[at]]++;
    const key = counts.join();
    let committed = this.#known.get(key);
    if (committed === undefined) this.#known.set(key, (committed = this.#decide(counts)));
    return committed;
  }

  #decide(counts) {
    const { state } = this.#template;
    const list = [];
    for (const [kind, count] of counts.entries()) {
      for (let nth = 0; nth < count; nth++) list.push(commands[commandKinds[kind]](this.#template, nth));
    }
    const { decided, outcomesAt, writes } = decideBatch(state, list, 0, { limits, guarded: true, nodeId });
    const outcomes = outcomesAt(state.revision + 1);
    for (const { error } of outcomes) if (error !== undefined) throw error;
    if (writes === undefined) throw new Error(`nothing to write: ${JSON.stringify(list.slice(0, 3))}`);
    const last = outcomes.at(-1).next === undefined ? 0 : 1;
    const known = { eras: Eras.first('1'), written: 5, seq: etcdRevision - 1 };
    const request = requestOf(keys, writes, { name: `${nodeId} 123456`, known, leap: undefined });
    const event = (at, value) => ({ type: value === undefined ? 1 : 0, kv: { key: at, mod_revision: etcdRevision, ...(value === undefined ? {} : { value }) } });
    const events = [
      ...writes.put.map(({ key, value }) => event(keys.record(key), value)),
      ...writes.delete.map((key) => event(keys.record(key))),
      event(keys.seq, Buffer.from(`${nodeId} 123456`)),
    ];
    return {
      done: Math.max(1, decided - last),
      rows: writes.put.length + writes.delete.length,
      requestBytes: methods.txn.requestSerialize(request).length + prefixBytes,
      answerBytes: methods.txn.responseSerialize({ header, succeeded: true, responses: [] }).length + prefixBytes,
      watchBytes: methods.watch.responseSerialize({ header, events }).length + prefixBytes,
    };
  }
}

/** What a node says to the store while nothing changes: bytes of the request and of the answer. */
export const idle = {
  presence: [
    methods.leaseKeepAlive.requestSerialize({ ID: 7_587_862_094_000_000 }).length + prefixBytes,
    methods.leaseKeepAlive.responseSerialize({ header, ID: 7_587_862_094_000_000, TTL: 10 }).length + prefixBytes,
  ],
  look: [
    methods.txn.requestSerialize({ success: [read(keys.era), read(keys.seq)] }).length + prefixBytes,
    methods.txn.responseSerialize({
      header, succeeded: true,
      responses: [[keys.era, Eras.first('1').encode()], [keys.seq, Buffer.from(`${nodeId} 123456`)]].map(([key, value]) => ({
        response_range: { header, kvs: [{ key, mod_revision: etcdRevision, value }] },
      })),
    }).length + prefixBytes,
  ],
};
