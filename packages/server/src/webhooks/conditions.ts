/**
 * Finds the instances that turn critical or recover, and the services that no instance serves any more or that are served again. It looks at what
 * transactions have touched, in small turns of the event loop after them; a write pays for a line in a list. What is critical when the first
 * webhook of a namespace is set is the start, and tells nothing until it changes.
 */

import { getsTraffic } from '@rollcall/protocol';
import { inTurns } from '../in-turns.ts';
import { protectedStatuses, statuses } from '../registry/kind/catalog/effective-status.ts';
import { findInstance, instancesOfService, instancesOnNode } from '../registry/kind/catalog/find.ts';
import { servicesAt } from '../registry/kind/catalog/services-at.ts';
import type { CheckRow } from '../registry/kind/catalog/rows.ts';
import type { Frozen } from '../registry/frozen.ts';
import type { RowChange } from '../registry/kinds.ts';
import type { State } from '../registry/state.ts';

export type Subject = InstanceSubject | ServiceSubject;

export interface InstanceSubject {
  readonly kind: 'instance';
  readonly namespace: string;
  readonly node: string;
  readonly id: string;
  readonly service: string;
}

export interface ServiceSubject {
  readonly kind: 'service';
  readonly namespace: string;
  readonly service: string;
}

/** A subject that has turned. */
export interface Turn {
  readonly key: string;
  readonly subject: Subject;
  readonly isBad: boolean;
}

export interface Told {
  /** An instance is critical or not any more; no instance of a service gets traffic, or one does again. */
  turned(key: string, subject: Subject, isBad: boolean): void;
  /** The instance is no more. */
  gone(key: string): void;
}

/** Some microseconds each: about 3 ms in one turn. */
const looksPerTurn = 500;

export class Conditions {
  readonly #state: State;
  readonly #told: Told;
  readonly #seeded = new Set<string>();
  #namespaces: ReadonlySet<string> = new Set();
  #critical = new Set<string>();
  /** Services with an instance that got traffic at the last look. One that never had any cannot lose it. */
  #serving = new Set<string>();
  /** Services that have lost it, and those that had none at the start. Only they recover: a new service does not. */
  #empty = new Set<string>();
  #touched = new Map<string, Subject>();
  #nodes = new Set<string>();

  constructor(state: State, told: Told) {
    this.#state = state;
    this.#told = told;
  }

  /** @param namespaces those that have webhooks */
  follow(namespaces: ReadonlySet<string>): void {
    this.#namespaces = namespaces;
    for (const each of this.#seeded) if (!namespaces.has(each)) this.#forgetNamespace(each);
  }

  /** A restore has replaced the state: the next look finds the new start. */
  reset(): void {
    this.#seeded.clear();
    this.#critical = new Set();
    this.#serving = new Set();
    this.#empty = new Set();
    this.#touched = new Map();
    this.#nodes = new Set();
  }

  touch(changes: readonly RowChange[]): void {
    for (const { before, after } of changes) {
      const row = after ?? before;
      if (row?.kind === 'check') {
        const was = before?.kind === 'check' ? before.status : undefined;
        if (was !== (after?.kind === 'check' ? after.status : undefined)) this.#touchCheck(row);
      } else if (row?.kind === 'service') this.#touch({ kind: 'service', namespace: row.namespace, service: row.name });
      else if (row?.kind === 'instance') {
        const { namespace, node, id, service } = row;
        this.#touch({ kind: 'instance', namespace, node, id, service });
        for (const each of [before, after]) if (each?.kind === 'instance') this.#touch({ kind: 'service', namespace, service: each.service });
      }
    }
  }

  isSeeded(namespace: string): boolean {
    return this.#seeded.has(namespace);
  }

  /**
   * What has turned, for a webhook that was told less. Instances that are gone, and services that are new, are left out.
   * @param past a state in which everything was told; undefined when it is not known
   * @param told what was told since, by the keys of subjects
   */
  async turnedSince(past: Frozen | undefined, namespace: string, told: ReadonlyMap<string, boolean>): Promise<readonly Turn[]> {
    const then = past && (await inTurns(statusesIn(past, namespace), looksPerTurn));
    const wasBad = new Map<string, boolean>();
    if (then !== undefined) {
      for (const key of this.#critical) if (isIn(key, namespace)) wasBad.set(key, false);
      for (const key of then.critical) wasBad.set(key, true);
      for (const key of then.serving) wasBad.set(key, false);
      for (const key of then.empty) wasBad.set(key, true);
    }
    for (const [key, isBad] of told) wasBad.set(key, isBad);
    const turns: Turn[] = [];
    for (const [key, was] of wasBad) {
      const subject = this.#subjectOf(key);
      if (subject === undefined) continue;
      const isBad = subject.kind === 'instance' ? this.#critical.has(key) : !this.#serving.has(key);
      if (subject.kind === 'service' && isBad) this.#empty.add(key);
      if (isBad !== was) turns.push({ key, subject, isBad });
    }
    return turns;
  }

  #subjectOf(key: string): Subject | undefined {
    const [kind, namespace = '', name = '', ...id] = key.split('\0');
    if (kind === 'service') return { kind, namespace, service: name };
    const row = findInstance(this.#state, namespace, name, id.join('\0'));
    return row && { kind: 'instance', namespace, node: name, id: row.id, service: row.service };
  }

  /** Whether there is anything to look at. */
  get isBehind(): boolean {
    return this.#touched.size > 0 || this.#nodes.size > 0 || [...this.#namespaces].some((each) => !this.#seeded.has(each));
  }

  /** Looks at all that was touched, and tells what has turned. One call at a time. */
  async look(): Promise<void> {
    for (const namespace of this.#namespaces) {
      if (this.#seeded.has(namespace)) continue;
      this.#seeded.add(namespace);
      await inTurns(this.#seed(namespace), looksPerTurn);
    }
    const [touched, nodes] = [this.#touched, this.#nodes];
    this.#touched = new Map();
    this.#nodes = new Set();
    await inTurns(this.#lookAt(touched, nodes), looksPerTurn);
  }

  #touchCheck({ namespace, node, instance }: CheckRow): void {
    if (instance === '') this.#nodes.add(node);
    else {
      const row = findInstance(this.#state, namespace, node, instance);
      if (row !== undefined) this.#touchInstance(row);
    }
  }

  #touchInstance({ namespace, node, id, service }: Omit<InstanceSubject, 'kind'>): void {
    this.#touch({ kind: 'instance', namespace, node, id, service });
    this.#touch({ kind: 'service', namespace, service });
  }

  #touch(subject: Subject): void {
    if (this.#namespaces.has(subject.namespace)) this.#touched.set(keyOf(subject), subject);
  }

  *#seed(namespace: string): Generator<undefined, void, undefined> {
    const now = this.#state.freeze();
    try {
      const { critical, serving, empty } = yield* statusesIn(now, namespace);
      for (const key of critical) this.#critical.add(key);
      for (const key of serving) this.#serving.add(key);
      for (const key of empty) this.#empty.add(key);
    } finally {
      now.close();
    }
  }

  *#lookAt(touched: Map<string, Subject>, nodes: ReadonlySet<string>): Generator<undefined, void, undefined> {
    for (const node of nodes) {
      for (const namespace of this.#namespaces) {
        for (const { id, service } of [...instancesOnNode(this.#state, namespace, node)]) {
          for (const each of [{ kind: 'instance', namespace, node, id, service }, { kind: 'service', namespace, service }] as const) touched.set(keyOf(each), each);
          yield;
        }
      }
    }
    for (const [key, subject] of touched) {
      if (subject.kind === 'instance') this.#lookAtInstance(key, subject);
      else yield* this.#lookAtService(key, subject);
      yield;
    }
  }

  #lookAtInstance(key: string, subject: InstanceSubject): void {
    const row = findInstance(this.#state, subject.namespace, subject.node, subject.id);
    if (row === undefined) {
      this.#critical.delete(key);
      this.#told.gone(key);
      return;
    }
    const isCritical = statuses(this.#state)(row) === 'critical';
    if (isCritical === this.#critical.has(key)) return;
    if (isCritical) this.#critical.add(key);
    else this.#critical.delete(key);
    this.#told.turned(key, subject, isCritical);
  }

  *#lookAtService(key: string, subject: ServiceSubject): Generator<undefined, void, undefined> {
    const { namespace, service } = subject;
    const statusOf = yield* protectedStatuses(this.#state, namespace, service);
    let isServed = false;
    for (const row of [...instancesOfService(this.#state, namespace, service)]) {
      isServed = getsTraffic(statusOf(row));
      if (isServed) break;
      yield;
    }
    if (isServed) {
      this.#serving.add(key);
      if (this.#empty.delete(key)) this.#told.turned(key, subject, false);
    } else if (this.#serving.delete(key)) {
      this.#empty.add(key);
      this.#told.turned(key, subject, true);
    }
  }

  #forgetNamespace(namespace: string): void {
    this.#seeded.delete(namespace);
    for (const keys of [this.#critical, this.#serving, this.#empty]) for (const key of keys) if (isIn(key, namespace)) keys.delete(key);
  }
}

interface Found {
  readonly critical: Set<string>;
  readonly serving: Set<string>;
  readonly empty: Set<string>;
}

function* statusesIn(frozen: Frozen, namespace: string): Generator<undefined, Found, undefined> {
  const found: Found = { critical: new Set(), serving: new Set(), empty: new Set() };
  for (const service of servicesAt(frozen, namespace)) {
    const ofService = keyOf({ kind: 'service', namespace, service });
    const statusOf = yield* protectedStatuses(frozen, namespace, service);
    for (const row of [...instancesOfService(frozen, namespace, service)]) {
      if (statuses(frozen)(row) === 'critical') found.critical.add(keyOf({ ...row, kind: 'instance' }));
      if (getsTraffic(statusOf(row))) found.serving.add(ofService);
      yield;
    }
    if (!found.serving.has(ofService)) found.empty.add(ofService);
  }
  return found;
}

function isIn(key: string, namespace: string): boolean {
  return key.split('\0', 2)[1] === namespace;
}

/** Names a subject on every process alike. */
export function keyOf(subject: Subject): string {
  return subject.kind === 'instance' ? `instance\0${subject.namespace}\0${subject.node}\0${subject.id}` : `service\0${subject.namespace}\0${subject.service}`;
}
